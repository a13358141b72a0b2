"""
What sealed columns are bound to: columns of the same row that never change.

Whoever changes one of them, or moves what is sealed to another row, makes it unreadable. Where a
row has no name that is known before it is inserted, the program makes it one, the `uid`.
"""

#: What acceptance fixes of a payout for life. The gateway is not among it: people may redirect.
PAYOUT = (
    *("profile", "customer_no", "notify_url", "out_trade_no", "amount_fen", "currency"),
    *("obligation", "producer", "send_before"),
)

#: A message and how it came, but for the payout: an orphan is adopted.
EVIDENCE = (
    *("uid", "customer_no", "out_trade_no", "attempt_id", "source", "asked_at", "received_at"),
    *("verified", "meaning", "code", "merchant", "number", "amount_fen", "currency"),
    *("trade_status", "trade_no", "refund_fen", "reason_code", "traded_at", "digest"),
)

FORMER_REQUEST = ("uid", "payout_id")

#: So that nobody has signed for himself what is told to another.
ENDPOINT = ("uid", "producer", "kind", "address")

INSTALLATION = ("profile",)

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

#: What a payout has come to. What it is looked at by is not among it: when it is due, how long its
#: worker has it. Whoever changes that has it looked at sooner or later, and it is judged anew then.
STATE = (
    *PAYOUT,
    *("gateway_url", "payee_masked", "bank_code", "status", "reason", "exposed", "accepted_at"),
    *("trade_no", "returned_fen", "resends", "lease_token", "lease_ended_at", "first_sent_at"),
    *("last_sent_at", "finalized_at", "let_go_at", "doubted_at", "released_at", "proposal_id"),
    *("set_aside_at", "redirected_at", "attempt_count", "message_count"),
)

#: Which key its job was sealed with, if it was.
PROVEN = ("job_key",)

#: What versions before 0019 did not know: how its history ends.
HISTORY = ("history",)

#: Whose debt it is, how much, and how many payouts may pay it.
OBLIGATION = ("namespace", "name", "owed_fen", "payout_count")

#: The payout that a row belongs to, by what its own row is bound to.
_ITS_PAYOUT = ("customer_no", "out_trade_no")

ATTEMPT = (*_ITS_PAYOUT, "number", "lease_token", "started_at", "closed_at", "outcome")

PROPOSAL = (
    *_ITS_PAYOUT,
    *("id", "ended_as", "returned_fen", "reference", "why", "evidence_id", "proposed_uid"),
    *("proposed_login_uid", "proposed_name", "proposed_at", "approved_uid", "approved_login_uid"),
    *("approved_name", "approved_at", "unchecked", "voided_at", "voided_why", "unanswered_since"),
)

#: A message and how it came, but for the payout: an orphan is adopted.
EVIDENCE = (
    *("uid", "customer_no", "out_trade_no", "attempt_id", "source", "asked_at", "received_at"),
    *("verified", "meaning", "code", "merchant", "number", "amount_fen", "currency"),
    *("trade_status", "trade_no", "refund_fen", "reason_code", "traded_at", "digest"),
)

#: Which of its payout's messages it is; of an orphan nobody knew.
PLACE = ("place",)

#: Whom a change of the deny list is about. What it says is vouched for with all others together.
CONTROL_CHANGE = ("uid", "kind")

PRODUCER_DAY = ("producer", "day", "claimed_fen", "new_payees")

FORMER_REQUEST = ("uid", "payout_id")

#: All of a checkpoint: its digest covers those before it.
CHECKPOINT = (
    *("id", "at", "transition_id", "transition_seen", "decision_id", "decision_seen"),
    *("payouts", "digest"),
)

#: So that nobody has signed for himself what is told to another.
ENDPOINT = ("uid", "producer", "kind", "address")

INSTALLATION = ("profile",)

#: Whose a key for jobs is, and whether it counts.
JOB_KEY = (
    *("name", "kind", "producer", "added_uid", "added_login_uid", "added_name", "added_at"),
    *("approved_uid", "approved_login_uid", "approved_name", "approved_at"),
    *("retired_by", "retired_why", "retired_at"),
)

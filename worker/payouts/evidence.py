"""
What the gateway told us: one shape for replies, queries and notifications.
"""

import enum
from dataclasses import dataclass, field
from datetime import datetime


class Source(enum.StrEnum):
    """
    How a message reached us.
    """

    REPLY = "reply"  #: the answer to our submit
    QUERY = "query"  #: the answer to our follow-up query
    NOTIFICATION = "notification"  #: JD called us


class TradeStatus(enum.StrEnum):
    """
    JD's `trade_status`, the only field that says what became of the money.
    """

    BUID = "BUID"  #: 建立: created
    ACSU = "ACSU"  #: 已受理: accepted
    WPAR = "WPAR"  #: 等待结果: waiting for the bank
    FINI = "FINI"  #: 成功: paid; a return may follow
    CLOS = "CLOS"  #: 关闭: closed, this number will not be paid
    REFU = "REFU"  #: 退票: the bank sent the money back after success


class Meaning(enum.StrEnum):
    """
    What a `response_code` means to us. Anything unlisted is `UNCLEAR`.
    """

    NONE = "none"  #: a message without a code, as notifications are
    PROCESSED = "processed"  #: 0000: the call was understood; it never means paid
    DUPLICATE = "duplicate"  #: the number is already used; the original's status may be named
    NOT_FOUND = "not_found"  #: JD knows no such trade (yet)
    NO_RESULT = "no_result"  #: the trade is not in JD's database, which JD's support must explain
    PAYEE = "payee"  #: the payee's card, name or ID is wrong
    REQUEST = "request"  #: this request is wrong, by our fault
    CHANNEL = "channel"  #: we are refused: key, certificate, merchant, permission, address
    BALANCE = "balance"  #: our balance is too small
    UNCLEAR = "unclear"  #: a system error, or a code nobody has classified
    UNREADABLE = "unreadable"  #: a field that we know holds what it cannot mean: an unlisted status


#: The meanings that refuse an attempt, so that nothing was booked.
REFUSALS = frozenset({Meaning.PAYEE, Meaning.REQUEST, Meaning.CHANNEL, Meaning.BALANCE})


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One message from the gateway, parsed but not yet judged against a payout.

    Nothing in it may be believed unless `verified`. Amounts are fen, times are aware UTC; a field
    that was absent is None, and a message with an unreadable field has meaning `UNREADABLE` and no
    trade status: JD says something of the payout, and nobody knows what.
    """

    verified: bool
    meaning: Meaning
    code: str = ""
    merchant: str | None = None
    number: str | None = None
    amount_fen: int | None = None
    currency: str | None = None
    trade_status: TradeStatus | None = None
    trade_no: str | None = None
    refund_fen: int | None = None
    reason_code: str | None = None
    #: When JD says the trade was made: `out_trade_date`.
    traded_at: datetime | None = None
    #: The message as received; it may hold payee data, so it is stored sealed and never shown.
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    An answer with its circumstances, as stored. Append-only.
    """

    id: int
    #: None for a notification that names a number we do not have.
    payout_id: int | None
    source: Source
    answer: Answer
    received_at: datetime
    #: The attempt that a reply answers.
    attempt_id: int | None = None
    #: When the request that it answers was started; None for a notification.
    asked_at: datetime | None = None
    #: When it was last judged; None while it waits for that.
    applied_at: datetime | None = None
    #: Whether its seal vouches for it: nobody wrote to the database beside us, and its key is here.
    is_intact: bool = True

    @property
    def as_of(self) -> datetime:
        """
        The moment that it tells of: when JD was asked, or when it told us unasked.
        """
        return self.asked_at or self.received_at

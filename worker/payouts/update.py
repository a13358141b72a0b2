"""
Where all that is known puts a payout: the result of weighing, ready to be written.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus, Reason


@dataclass(frozen=True, slots=True)
class CaseNote:
    """
    A case that should stand open, and the piece of evidence that completed it.
    """

    kind: CaseKind
    evidence_id: int | None = None
    #: Whether it opens anew although a person closed one like it.
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What a payout's row should say.
    """

    status: PayoutStatus
    reason: Reason
    #: The evidence that decided the status; None where no evidence did.
    evidence_id: int | None
    exposed: bool
    trade_no: str | None
    returned_fen: int
    settled_at: datetime | None
    next_send_at: datetime | None
    next_query_at: datetime | None
    #: Queries since the last answer that said something.
    query_misses: int = 0
    #: Since when JD must be asked before anything is sent; None once it answered.
    doubted_at: datetime | None = None
    cases: tuple[CaseNote, ...] = ()
    #: Why sending must stop for this member; None to leave the channel as it is.
    pause: str | None = None
    #: Whether each newly weighed reply or query answer verified, oldest first: several in a row
    #: that did not also stop the channel.
    verified: tuple[bool, ...] = ()

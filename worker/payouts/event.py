"""
Events: what a producer is told of its payouts, jobs and debts.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus, Reason


class EventType(enum.StrEnum):
    """
    What happened. Only `OBLIGATION_FREED` says that something may be paid again.
    """

    ACCEPTED = "payout.accepted"  #: the job is committed; it will be sent
    HELD = "payout.held"  #: a person looks before it is sent
    QUEUED = "payout.queued"  #: it waits to be sent again: let go, or no connection was made
    SENT = "payout.sent"  #: a worker sends it now; it may be with JD
    REFUSED = "payout.refused"  #: JD refused it for a fault of the merchant's own; not its end
    PROCESSING = "payout.processing"  #: JD has it
    UNKNOWN = "payout.unknown"  #: JD may have it; it is being found out
    PAID = "payout.paid"  #: the payee has the money, as JD says
    FAILED = "payout.failed"  #: JD closed or refused it; not yet: pay it again
    RETURNED = "payout.returned"  #: 退票: the whole amount came back
    PARTLY_RETURNED = "payout.partly_returned"  #: a part of the amount came back, or more of it
    CANCELLED = "payout.cancelled"  #: withdrawn before it was sent
    NEEDS_ATTENTION = "payout.needs_attention"  #: a person of the merchant's has to decide
    REJECTED = "job.rejected"  #: a job was not accepted, and why
    FREED = "obligation.freed"  #: what this payout was to pay may be paid by another


@dataclass(frozen=True, slots=True)
class Event:
    """
    One thing that happened, as it was then. It holds no payee data.

    `epoch` and `version` order the events of one payout; what has no payout has version 0.
    """

    #: Told with every delivery, so that a consumer knows what it was told before.
    uid: str
    type: EventType
    at: datetime
    producer: str
    customer_no: str | None
    out_trade_no: str | None
    epoch: int
    version: int = 0
    #: Where it stands among all events, once it is on its way to whoever wants it.
    position: int | None = None
    payout_id: int | None = None
    obligation: str | None = None
    status: PayoutStatus | None = None
    reason: Reason | None = None
    amount_fen: int | None = None
    returned_fen: int | None = None
    #: What a person has to look into.
    case: CaseKind | None = None
    #: Before this the debt is not freed, and nothing may be paid again.
    repayable_from: datetime | None = None
    #: What is wrong with a job: fields and rules, never a value.
    faults: tuple[str, ...] = ()

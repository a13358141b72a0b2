"""
Which events a change of a payout's row is, and what each says.
"""

from collections.abc import Iterator
from datetime import datetime

from worker.payouts.event import EventType
from worker.payouts.model import CaseKind, Payout
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER
from worker.payouts.status import PayoutStatus, Reason

_REACHED = {
    PayoutStatus.QUEUED: EventType.QUEUED,
    PayoutStatus.HELD: EventType.HELD,
    PayoutStatus.SENDING: EventType.SENT,
    PayoutStatus.REFUSED: EventType.REFUSED,
    PayoutStatus.UNKNOWN: EventType.UNKNOWN,
    PayoutStatus.PROCESSING: EventType.PROCESSING,
    PayoutStatus.FAILED: EventType.FAILED,
    PayoutStatus.PAID: EventType.PAID,
    PayoutStatus.RETURNED: EventType.RETURNED,
    PayoutStatus.CANCELLED: EventType.CANCELLED,
}

#: Cases that change what a producer may believe of its payout, or that wait for what it knows. The
#: others are between the merchant and JD, or their event is told already.
OF_PRODUCERS = frozenset(
    {
        CaseKind.CONTRADICTION,
        CaseKind.VANISHED,
        CaseKind.NUMBER_TAKEN,
        CaseKind.MISMATCH,
        CaseKind.RETURN_AMOUNT,
        CaseKind.NOT_FOUND,
        CaseKind.UNRESOLVED,
        CaseKind.OVERPAYMENT,
        CaseKind.UNEXPECTED,
        CaseKind.STALE,
        CaseKind.FORGOTTEN,
    }
)

#: What says that nothing may be paid again yet.
NOT_YET_REPAYABLE = frozenset({EventType.FAILED, EventType.RETURNED, EventType.PARTLY_RETURNED})

_CLOSED = frozenset({Reason.CLOSED, Reason.CLOSED_BALANCE_SHORT})


def told_by(before: Payout, after: Payout) -> Iterator[EventType]:
    """
    The events that a change of a row is, in the order in which they are told.
    """
    if after.status is not before.status:
        yield _REACHED[after.status]
    if after.returned_fen > before.returned_fen and after.status is not PayoutStatus.RETURNED:
        yield EventType.PARTLY_RETURNED
    if before.released_at is None and after.released_at is not None:
        yield EventType.FREED


def repayable_from(payout: Payout) -> datetime:
    """
    The earliest time at which the debt of a payout that came to nothing can be freed.

    A close is proven by a second one, a day later; all else by what JD answers when asked next.
    """
    if payout.reason in _CLOSED:
        return (payout.finalized_at or payout.updated_at) + CLOSED_TWICE_AFTER
    return max(payout.updated_at, payout.next_query_at or payout.updated_at)

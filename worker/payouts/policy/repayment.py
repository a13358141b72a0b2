"""
Whether what a payout did not pay may be paid by another one, as far as is known today.

`failed` is not yet "pay it again": what JD closed it may yet call paid. What was not paid may be
paid again once its obligation is freed, on proof, and nothing has spoilt the proof since.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.payouts.own import OwnPayout
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.obligation import left_fen, may_keep_fen
from worker.payouts.policy.proof import closed_again_from, unpaid
from worker.payouts.status import PayoutStatus


@dataclass(frozen=True, slots=True)
class Repayment:
    """
    Whether another payout may pay the whole amount, and from when on that can be at the earliest.
    """

    is_safe: bool
    #: None where it is safe, and where nobody knows whether it ever will be.
    possible_from: datetime | None = None


#: Ends after which something is left to pay.
_UNPAID = frozenset({PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED})


def repayment(own: OwnPayout) -> Repayment:
    """
    What a payout's producer may be told. Being safe claims nothing of payouts of other debts.
    """
    payout = own.dossier.payout
    if payout.status not in _UNPAID:
        return Repayment(is_safe=False)
    if payout.released_at is None:
        return Repayment(is_safe=False, possible_from=_possible_from(gather_facts(own.dossier)))
    return Repayment(is_safe=payout.doubted_at is None and _is_left(own))


def _is_left(own: OwnPayout) -> bool:
    """
    Whether nothing of it is kept, and the other payouts of its debt leave room for it.
    """
    if own.debt is None or may_keep_fen(own.dossier) > 0:
        return False
    return left_fen(own.debt, (own.dossier, *own.others)) >= own.dossier.payout.amount_fen


def _possible_from(facts: Facts) -> datetime | None:
    """
    When the proof that frees an obligation can be whole, if JD answers as hoped each time.
    """
    payout = facts.payout
    if unpaid(facts) is not None:
        return payout.updated_at
    asked_at = payout.next_query_at
    again = closed_again_from(facts)
    if again is not None:
        return max(again, asked_at or again)
    is_closed = any(trade.status is PayoutStatus.FAILED for trade in facts.trades)
    if asked_at is None or not is_closed:
        return asked_at
    return asked_at + CLOSED_TWICE_AFTER

"""
What proves that an obligation is not paid, and will not be: each proof by its evidence.

Never a status alone, never a timeout, never half a proof.
"""

from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.model import AttemptOutcome
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER, Trade
from worker.payouts.policy.facts import Facts
from worker.payouts.status import PayoutStatus

#: Ids of the evidence that something rests on.
Proof = tuple[int, ...]


def unpaid(facts: Facts) -> Proof | None:
    """
    What proves that nothing of the amount is, or will be, with the payee; None if nothing does.
    """
    if facts.payout.status is PayoutStatus.CANCELLED and not facts.trades:
        return ()
    return _closed_twice(facts) or _wholly_returned(facts) or _refused_for_sure(facts)


def partly_returned(facts: Facts) -> Proof | None:
    """
    JD's word that the part which came back did so; None if no part did.

    A reply does not count: it was written when the payout was sent, and a return comes after.
    """
    payout = facts.payout
    if payout.status is not PayoutStatus.PAID or not 0 < payout.returned_fen < payout.amount_fen:
        return None
    told = (t.evidence for t in facts.trades if t.evidence.source is not Source.REPLY)
    back = (e for e in told if e.answer.trade_status is TradeStatus.REFU)
    return next(((e.id,) for e in back if e.answer.refund_fen == payout.returned_fen), None)


def refused(facts: Facts) -> Proof | None:
    """
    JD's refusal of every attempt that reached it, so nothing was booked; None if any may have been.
    """
    if facts.exposing or facts.trades or not facts.refusals:
        return None
    return tuple(refusal.evidence.id for refusal in facts.refusals)


def _closed_twice(facts: Facts) -> Proof | None:
    if any(trade.status is not PayoutStatus.FAILED for trade in _ended(facts)):
        return None
    told = [t.evidence for t in _ended(facts) if t.evidence.source is Source.QUERY]
    asked = sorted((e.asked_at, e.id) for e in told if e.asked_at is not None)
    if len(asked) < 2 or asked[-1][0] - asked[0][0] < CLOSED_TWICE_AFTER:
        return None
    return asked[0][1], asked[-1][1]


def _wholly_returned(facts: Facts) -> Proof | None:
    told = (t.evidence for t in facts.trades if t.status is PayoutStatus.RETURNED)
    return next(((e.id,) for e in told if e.source is Source.QUERY), None)


def _refused_for_sure(facts: Facts) -> Proof | None:
    attempts = facts.dossier.attempts
    sent = [a for a in attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
    refusals = refused(facts)
    if len(sent) != 1 or refusals is None:
        return None
    refused_at = facts.refusals[0].evidence.received_at
    later = (a.evidence.id for a in facts.absences if a.asked_at > refused_at)
    return next(((refusals[0], absent) for absent in later), None)


def _ended(facts: Facts) -> list[Trade]:
    return [trade for trade in facts.trades if trade.status.is_final]

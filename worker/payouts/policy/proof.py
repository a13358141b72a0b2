"""
What proves that an obligation is not paid, and will not be: each proof by its evidence.

Never a status alone, never a timeout, never half a proof.
"""

from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.model import AttemptOutcome
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER, Trade
from worker.payouts.policy.facts import Reading
from worker.payouts.status import PayoutStatus

#: Ids of the evidence that something rests on.
Proof = tuple[int, ...]


def unpaid(reading: Reading) -> Proof | None:
    """
    What proves that nothing of the amount is, or will be, with the payee; None if nothing does.
    """
    if reading.payout.status is PayoutStatus.CANCELLED and not reading.trades:
        return ()
    return _closed_twice(reading) or _wholly_returned(reading) or _refused_for_sure(reading)


def partly_returned(reading: Reading) -> Proof | None:
    """
    JD's word that the part which came back did so; None if no part did.

    A reply does not count: it was written when the payout was sent, and a return comes after.
    """
    payout = reading.payout
    if payout.status is not PayoutStatus.PAID or not 0 < payout.returned_fen < payout.amount_fen:
        return None
    told = (t.evidence for t in reading.trades if t.evidence.source is not Source.REPLY)
    back = (e for e in told if e.answer.trade_status is TradeStatus.REFU)
    return next(((e.id,) for e in back if e.answer.refund_fen == payout.returned_fen), None)


def refused(reading: Reading) -> Proof | None:
    """
    JD's refusal of every attempt that reached it, so nothing was booked; None if any may have been.
    """
    if reading.exposing or reading.trades or not reading.refusals:
        return None
    return tuple(refusal.evidence.id for refusal in reading.refusals)


def _closed_twice(reading: Reading) -> Proof | None:
    if any(trade.status is not PayoutStatus.FAILED for trade in _ended(reading)):
        return None
    told = [t.evidence for t in _ended(reading) if t.evidence.source is Source.QUERY]
    asked = sorted((e.asked_at, e.id) for e in told if e.asked_at is not None)
    if len(asked) < 2 or asked[-1][0] - asked[0][0] < CLOSED_TWICE_AFTER:
        return None
    return asked[0][1], asked[-1][1]


def _wholly_returned(reading: Reading) -> Proof | None:
    told = (t.evidence for t in reading.trades if t.status is PayoutStatus.RETURNED)
    return next(((e.id,) for e in told if e.source is Source.QUERY), None)


def _refused_for_sure(reading: Reading) -> Proof | None:
    attempts = reading.dossier.attempts
    sent = [a for a in attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
    refusals = refused(reading)
    if len(sent) != 1 or refusals is None:
        return None
    refused_at = reading.refusals[0].evidence.received_at
    later = (a.evidence.id for a in reading.absences if a.asked_at > refused_at)
    return next(((refusals[0], absent) for absent in later), None)


def _ended(reading: Reading) -> list[Trade]:
    return [trade for trade in reading.trades if trade.status.is_final]

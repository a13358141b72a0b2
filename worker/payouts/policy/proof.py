"""
What proves that an obligation is not paid, and will not be: each proof by its evidence.

Never a status alone, never a timeout, never half a proof, and none that any sign spoils.
"""

from datetime import datetime

from worker.payouts.evidence import Evidence, Meaning, Source, TradeStatus
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.signs import beyond, stands
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus

#: Ids of the evidence that something rests on.
Proof = tuple[int, ...]


def unpaid(facts: Facts) -> Proof | None:
    """
    What proves that nothing of the amount is, or will be, with the payee; None if nothing does.
    """
    is_doubted = facts.payout.doubted_at is not None
    if facts.payout.status is PayoutStatus.CANCELLED and not is_doubted and not beyond(facts):
        return ()
    if _decided_fen(facts) == facts.payout.amount_fen:
        return decided(facts)
    ended = _closed_twice(facts) or _wholly_returned(facts)
    # A database that went back may have forgotten an attempt: JD says nothing of that one.
    return ended or (None if is_doubted else _refused_for_sure(facts))


def decided(facts: Facts) -> Proof | None:
    """
    The last of what two people knew who decided how it ended; None unless their decision stands.
    """
    made = facts.dossier.decided
    if made is None or not stands(facts):
        return None
    return () if made.evidence_id is None else (made.evidence_id,)


def _decided_fen(facts: Facts) -> int | None:
    """
    What the payee does not have by a decision that stands; None without one, or where JD's word is.
    """
    made = facts.dossier.decided
    if made is None or decided(facts) is None:
        return None
    match made.proof.end:
        case End.FAILED:
            return facts.payout.amount_fen
        case End.RETURNED:
            return made.proof.returned_fen
        case End.PAID:
            return None


def returned_fen(facts: Facts) -> int:
    """
    What came back of the amount, as far as another payout may pay it: what JD's latest word says.

    Nothing if that word is no return, or names no amount or more than was paid, or is spoilt. Two
    people's decision that stands goes before it.
    """
    if (fen := _decided_fen(facts)) is not None:
        return fen
    return 0 if _return(facts) is None else _fen(facts)


def partly_returned(facts: Facts) -> Proof | None:
    """
    JD's word that the part which came back did so; None if no part did.

    Only an answer to a question counts: replies come before any return, and notifications late. Or
    two people decided so.
    """
    if (fen := _decided_fen(facts)) is not None:
        return decided(facts) if 0 < fen < facts.payout.amount_fen else None
    back = _return(facts)
    return back if back is not None and _fen(facts) < facts.payout.amount_fen else None


def refused(facts: Facts) -> Proof | None:
    """
    JD's refusal of every attempt that reached it, so nothing was booked; None if any may have been.
    """
    if facts.exposing or not facts.refusals or beyond(facts):
        return None
    return tuple(refusal.evidence.id for refusal in facts.refusals)


def closed_again_from(facts: Facts) -> datetime | None:
    """
    From when a question that is answered with a close again proves that nothing is paid.

    None where JD has told no close to a question yet, or something spoils each one that it told.
    """
    first, _ = _closes(facts)
    return None if first is None else first.as_of + CLOSED_TWICE_AFTER


def _closed_twice(facts: Facts) -> Proof | None:
    first, last = _closes(facts)
    if first is None or last is None or last.as_of - first.as_of < CLOSED_TWICE_AFTER:
        return None
    return first.id, last.id


def _closes(facts: Facts) -> tuple[Evidence | None, Evidence | None]:
    """
    The first close told to a question that nothing spoils, and the last.
    """
    closed = (t.evidence for t in facts.trades if t.status is PayoutStatus.FAILED)
    told = sorted((e for e in closed if e.source is Source.QUERY), key=lambda e: (e.as_of, e.id))
    unspoilt = (e for e in told if not beyond(facts, TradeStatus.CLOS, e.as_of))
    return next(unspoilt, None), told[-1] if told else None


def _wholly_returned(facts: Facts) -> Proof | None:
    back = _return(facts)
    return back if back is not None and _fen(facts) == facts.payout.amount_fen else None


def _return(facts: Facts) -> Proof | None:
    """
    The latest word of JD's, if it is a return that names what came back, and nothing spoils it.
    """
    last = facts.last_word
    if last is None or not 0 < _fen(facts) <= facts.payout.amount_fen:
        return None
    if beyond(facts, TradeStatus.REFU, last.evidence.as_of):
        return None
    return (last.evidence.id,)


def _fen(facts: Facts) -> int:
    last = facts.last_word
    if last is None or last.evidence.answer.trade_status is not TradeStatus.REFU:
        return 0
    return last.evidence.answer.refund_fen or 0


def _refused_for_sure(facts: Facts) -> Proof | None:
    """
    The refusals of every attempt that reached JD, and one later answer that it has no such trade.

    Whether a balance that is short uses up the number is not known: the same number has to be sent
    again first, and be refused for another cause.
    """
    refusals = refused(facts)
    if refusals is None:
        return None
    last = max(facts.refusals, key=lambda refusal: refusal.evidence.attempt_id or 0).evidence
    if last.answer.meaning is Meaning.BALANCE:
        return None
    refused_at = max(refusal.evidence.received_at for refusal in facts.refusals)
    later = (a.evidence.id for a in facts.absences if a.asked_at > refused_at)
    return next(((*refusals, absent) for absent in later), None)

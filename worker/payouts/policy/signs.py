"""
Signs that JD knows more of a payout than a proof says: the one place that every rule asks.

A proof rests on JD's silence, on its refusal, or on one status that it told. Whatever shows that
there is more spoils it, from whatever source and about whichever attempt: a reply, an answer to a
question, a notification, or one that came before its job.
"""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from worker.payouts.evidence import Evidence, Meaning, Source, TradeStatus
from worker.payouts.policy.classification import Trade
from worker.payouts.policy.facts import Facts
from worker.payouts.proposal import End, OutsideProof
from worker.payouts.status import PayoutStatus

_MONEY = frozenset({TradeStatus.FINI, TradeStatus.REFU})


def beyond(
    facts: Facts, told: TradeStatus | None = None, since: datetime | None = None
) -> tuple[Evidence, ...]:
    """
    Every message that spoils a proof, oldest first; none if it holds.

    Verified ones, and those that are not what was stored, whatever they say now.

    `told` is the status that the proof rests on, None for silence or refusal. `since` is when the
    first question that it rests on was asked: what is only progress spoils nothing before that.
    """
    odd = [taken.evidence for taken in facts.taken]
    odd += [mismatch.evidence for mismatch in facts.mismatches]
    odd += [tampered.evidence for tampered in facts.tampered]
    found = {e.id: e for e in (*odd, *second_numbers(facts), *further(facts, told, since))}
    return tuple(found[evidence_id] for evidence_id in sorted(found))


def further(
    facts: Facts, told: TradeStatus | None = None, since: datetime | None = None
) -> tuple[Evidence, ...]:
    """
    Those that tell of our own trade, and more of it than `told`, oldest first.
    """
    whole = {trade.evidence.id for trade in facts.trades}
    return tuple(
        e
        for e in speaking(facts)
        if told is None or _goes_further(e, told, since, is_whole=e.id in whole)
    )


def speaking(facts: Facts) -> tuple[Evidence, ...]:
    """
    What shows that JD has the payout, whether or not it says in full what became of it.
    """
    shown = [trade.evidence for trade in facts.trades]
    shown += [known.evidence for known in facts.known]
    return tuple(sorted(shown, key=lambda evidence: evidence.id))


def second_numbers(facts: Facts) -> tuple[Evidence, ...]:
    """
    What names another trade number of JD's than the message before it that names one.
    """
    named = [e for e in speaking(facts) if e.answer.trade_no]
    return tuple(e for before, e in pairwise(named) if e.answer.trade_no != before.answer.trade_no)


def news(facts: Facts, since: int | None) -> tuple[Evidence, ...]:
    """
    What JD told after that piece of evidence, oldest first.

    An answer that only repeats the one before it, or the last one up to there, is nothing new.
    """
    found, last = [], None
    for evidence in facts.telling:
        said = replace(evidence.answer, raw=b"")
        asked = evidence.source is Source.QUERY
        if evidence.id > (since or 0) and not (asked and said == last):
            found.append(evidence)
        if asked:
            last = said
    return tuple(found)


def against(facts: Facts) -> tuple[Evidence, ...]:
    """
    What JD told against a decision on outside proof, after it was proposed, oldest first.
    """
    decided = facts.dossier.decided
    if decided is None:
        return ()
    whole = {trade.evidence.id: trade for trade in facts.trades}
    silent = {one.evidence.id for kind in (facts.absences, facts.no_results) for one in kind}
    return tuple(
        e
        for e in news(facts, decided.evidence_id)
        if e.id not in silent and not _agrees(whole.get(e.id), decided.proof)
    )


def stands(facts: Facts) -> bool:
    """
    Whether two people decided how it ended, and JD has told nothing against that since.
    """
    return facts.dossier.decided is not None and not against(facts)


def _agrees(trade: Trade | None, proof: OutsideProof) -> bool:
    if trade is None:
        return False
    match proof.end:
        case End.FAILED:
            return trade.status is PayoutStatus.FAILED
        case End.PAID:
            return trade.status in {PayoutStatus.PAID, PayoutStatus.RETURNED}
        case End.RETURNED:
            answer = trade.evidence.answer
            back = answer.trade_status is TradeStatus.REFU
            return back and answer.refund_fen == proof.returned_fen


def _goes_further(
    evidence: Evidence, told: TradeStatus, since: datetime | None, *, is_whole: bool
) -> bool:
    status = evidence.answer.trade_status
    if evidence.answer.meaning is Meaning.UNREADABLE:
        # It may be any status, also one that is in no table of ours.
        return True
    if told is TradeStatus.CLOS and status in _MONEY:
        return True
    if told is TradeStatus.REFU and is_whole and evidence.source is Source.NOTIFICATION:
        # What a return follows on may be notified late; what came back, questions tell.
        return False
    if status is told and (is_whole or told is TradeStatus.CLOS):
        return False
    return since is not None and evidence.as_of > since

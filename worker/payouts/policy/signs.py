"""
Signs that JD knows more of a payout than a proof says: the one place that every rule asks.

A proof rests on JD's silence, on its refusal, or on one status that it told. Whatever shows that
there is more spoils it, from whatever source and about whichever attempt: a reply, an answer to a
question, a notification, or one that came before its job.
"""

from datetime import datetime
from itertools import pairwise

from worker.payouts.evidence import Evidence, Meaning, Source, TradeStatus
from worker.payouts.policy.facts import Facts

_MONEY = frozenset({TradeStatus.FINI, TradeStatus.REFU})


def beyond(
    facts: Facts, told: TradeStatus | None = None, since: datetime | None = None
) -> tuple[Evidence, ...]:
    """
    Every verified message that spoils a proof, oldest first; none if it holds.

    `told` is the status that the proof rests on, None for silence or refusal. `since` is when the
    first question that it rests on was asked: what is only progress spoils nothing before that.
    """
    odd = [taken.evidence for taken in facts.taken]
    odd += [mismatch.evidence for mismatch in facts.mismatches]
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

"""
What a person has to look at: the contradictions and dead ends in what is known of a payout.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from worker.payouts.evidence import Evidence, TradeStatus
from worker.payouts.hold import Hold
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Case, CaseKind
from worker.payouts.policy.absence import denials, proven_absent
from worker.payouts.policy.controls import held_by, is_stale, lapses
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.may_send import may_resend
from worker.payouts.policy.next_query import end_asked_since
from worker.payouts.policy.returns import fen, odd_amounts, returns
from worker.payouts.policy.signs import against, further, news, second_numbers, speaking, stands
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote


def cases(
    facts: Facts, status: PayoutStatus, now: datetime, limits: Limits
) -> tuple[CaseNote, ...]:
    """
    Every case that this payout gives reason for, each with the newest evidence that completes it.

    Two people's decision answers all that JD had told by then.
    """
    decided = facts.dossier.decided
    notes = _of_evidence(facts, status, now, limits)
    if decided is None:
        return notes
    opposed = against(facts)
    fresh = news(facts, decided.evidence_id) if decided.proof.end is End.PAID else opposed
    ids = {evidence.id for evidence in fresh}
    left = (note for note in notes if note.evidence_id in ids)
    if not opposed:
        return tuple(left)
    others = (note for note in left if note.kind is not CaseKind.CONTRADICTION)
    return (*_newest(CaseKind.CONTRADICTION, opposed), *others)


def answering(note: CaseNote, known: Iterable[Case]) -> Case | None:
    """
    The payout's case that already answers a note; None if another must be opened.

    An open one of its kind does, and names the newest evidence from then on. A closed one covers
    the evidence that it names and all before, unless the note opens a case again in any event.
    """
    alike = [case for case in known if case.kind is note.kind]
    is_open = (case for case in alike if case.closed_at is None)
    covers = (case for case in alike if not note.reopens and _covers(case, note))
    return next(is_open, None) or next(covers, None)


def _covers(case: Case, note: CaseNote) -> bool:
    if note.evidence_id is None:
        return case.evidence_id is None
    return case.evidence_id is not None and case.evidence_id >= note.evidence_id


def _of_evidence(
    facts: Facts, status: PayoutStatus, now: datetime, limits: Limits
) -> tuple[CaseNote, ...]:
    return (
        *_newest(
            CaseKind.CONTRADICTION,
            (*_after_close(facts), *_after_success(facts), *_after_refusal(facts)),
        ),
        *_vanished(facts),
        *_newest(CaseKind.SECOND_TRADE_NO, second_numbers(facts)),
        *_newest(CaseKind.UNEXPECTED, _unexpected(facts)),
        *_returns(facts),
        *_newest(CaseKind.NUMBER_TAKEN, (b.evidence for b in facts.taken)),
        *_newest(CaseKind.MISMATCH, (b.evidence for b in facts.mismatches)),
        *_newest(CaseKind.TAMPERED, (b.evidence for b in facts.tampered)),
        *_newest(CaseKind.NO_RESULT, (b.evidence for b in facts.no_results)),
        *_dead_ends(facts, status, now, limits),
    )


def _newest(kind: CaseKind, completing: Iterable[Evidence]) -> Iterator[CaseNote]:
    ids = [evidence.id for evidence in completing]
    if ids:
        yield CaseNote(kind, max(ids))


def _after_close(facts: Facts) -> tuple[Evidence, ...]:
    """
    Each word with which JD closed a payout after telling more of it, or the other way round.
    """
    closed = [t.evidence for t in facts.trades if t.status is PayoutStatus.FAILED]
    if not closed:
        return ()
    since = min(evidence.as_of for evidence in closed)
    more = further(facts, TradeStatus.CLOS, since)
    return _changing(facts, (*closed, *more)) if more else ()


def _after_success(facts: Facts) -> tuple[Evidence, ...]:
    """
    Each word that JD still works on what it had paid.
    """
    paid = [t.evidence for t in facts.trades if t.status in _PAID]
    if not paid:
        return ()
    since = min(evidence.as_of for evidence in paid)
    moving = (t.evidence for t in facts.trades if t.status is PayoutStatus.PROCESSING)
    later = [evidence for evidence in moving if evidence.as_of > since]
    return _changing(facts, (*paid, *later)) if later else ()


_PAID = frozenset({PayoutStatus.PAID, PayoutStatus.RETURNED})


def _after_refusal(facts: Facts) -> tuple[Evidence, ...]:
    """
    Each sign of a trade that JD says it refused.
    """
    if facts.exposing or not facts.refusals:
        return ()
    signs = (*speaking(facts), *(taken.evidence for taken in facts.taken))
    return (facts.refusals[0].evidence, *signs) if signs else ()


def _changing(facts: Facts, told: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """
    Those that say something else than the one before: what is only repeated is nothing new.
    """
    whole = {trade.evidence.id: trade.status for trade in facts.trades}
    words = [(e, (whole.get(e.id), e.answer.trade_status)) for e in told]
    words.sort(key=lambda word: word[0].id)
    return tuple(e for (_, before), (e, word) in pairwise(words) if word != before)


def _vanished(facts: Facts) -> Iterator[CaseNote]:
    # Also what JD told as somebody else's: it then had a trade under this number.
    told = [one.evidence for one in facts.trades] + [one.evidence for one in facts.taken]
    known_since = min((evidence.received_at for evidence in told), default=None)
    if known_since is not None:
        late = (a.evidence for a in facts.absences if a.asked_at > known_since)
        yield from _newest(CaseKind.VANISHED, late)


def _unexpected(facts: Facts) -> tuple[Evidence, ...]:
    """
    Evidence of a trade that we cannot have caused.
    """
    attempts, told = facts.dossier.attempts, speaking(facts)
    if any(attempt.outcome is not AttemptOutcome.NOT_CONNECTED for attempt in attempts):
        return ()
    return (*told[:1], *_changing(facts, told))


def _returns(facts: Facts) -> Iterator[CaseNote]:
    """
    Returns that are not simply the whole amount.
    """
    # The largest part, so that a further return of a case that a person closed opens another.
    parts = (e for e in returns(facts) if 0 < fen(e) < facts.payout.amount_fen)
    largest = max(parts, key=lambda e: (fen(e), -e.id), default=None)
    if largest is not None:
        yield CaseNote(CaseKind.PARTIAL_RETURN, largest.id)
    yield from _newest(CaseKind.RETURN_AMOUNT, odd_amounts(facts))


def _dead_ends(
    facts: Facts, status: PayoutStatus, now: datetime, limits: Limits
) -> Iterator[CaseNote]:
    ended = facts.payout.lease_ended_at if status is PayoutStatus.UNKNOWN else None
    absent = proven_absent(facts, ended, limits)
    if absent is not None and not may_resend(facts, now, limits):
        yield CaseNote(CaseKind.NOT_FOUND, absent.evidence.id)
    elsewhere = {a.evidence.id for a in facts.absences} - {a.evidence.id for a in denials(facts)}
    if status is PayoutStatus.UNKNOWN and elsewhere:
        yield CaseNote(CaseKind.NOT_FOUND, max(elsewhere))
    if status is PayoutStatus.HELD:
        yield from _held(facts, now, limits)
    if lapses(facts.payout, status, now, limits):
        # Only sending it again makes it lapse again.
        yield CaseNote(CaseKind.STALE, reopens=True)
    since = _asked_since(facts, status, limits)
    if since is not None and now - since > limits.schedule.patience:
        # With each further answer that ends nothing, a case that a person closed opens again.
        yield CaseNote(CaseKind.UNRESOLVED, max((e.id for e in facts.answers), default=None))


def _asked_since(facts: Facts, status: PayoutStatus, limits: Limits) -> datetime | None:
    """
    Since when JD owes an answer: what became of it, or whether its end is still the end.
    """
    payout = facts.payout
    if status.awaits_gateway:
        return payout.last_sent_at
    # An end that two people decided needs no word of JD's.
    is_told = status is payout.status and not stands(facts)
    ended_at = payout.finalized_at if is_told else None
    return end_asked_since(facts, status, ended_at, limits)


def _held(facts: Facts, now: datetime, limits: Limits) -> Iterator[CaseNote]:
    """
    The one case that says why it is held.

    Only letting it go or withdrawing it closes that case, so held again it opens again.
    """
    payout, hold = facts.payout, held_by(facts.payout)
    if hold is not None:
        # Two controls tell the same reason: the case that is open says which one it is.
        told = {other.case for other in Hold if other.reason is hold.reason}
        is_open = told & {case.kind for case in facts.dossier.open_cases}
        yield from () if is_open else [CaseNote(hold.case, reopens=True)]
    elif is_stale(payout, now, limits):
        yield CaseNote(CaseKind.STALE, reopens=True)

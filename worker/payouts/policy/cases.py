"""
What a person has to look at: the contradictions and dead ends in what is known of a payout.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from worker.payouts.evidence import TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Payout
from worker.payouts.policy.classification import Trade
from worker.payouts.policy.controls import is_in_review, is_stale
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.may_send import may_resend, proven_absent
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote


def cases(
    facts: Facts, status: PayoutStatus, now: datetime, limits: Limits
) -> tuple[CaseNote, ...]:
    """
    Every case that this payout gives reason for, each with the evidence that completed it.
    """
    return (
        *_contradictions(facts),
        *_unexpected(facts),
        *_returns(facts),
        *_first(CaseKind.NUMBER_TAKEN, (b.evidence.id for b in facts.taken)),
        *_first(CaseKind.MISMATCH, (b.evidence.id for b in facts.mismatches)),
        *_first(CaseKind.NO_RESULT, (b.evidence.id for b in facts.no_results)),
        *_dead_ends(facts, status, now, limits),
    )


def _first(kind: CaseKind, evidence_ids: Iterable[int]) -> Iterator[CaseNote]:
    for evidence_id in evidence_ids:
        yield CaseNote(kind, evidence_id)
        return


def _contradictions(facts: Facts) -> Iterator[CaseNote]:
    closed = _showing(facts, PayoutStatus.FAILED)
    paid = _showing(facts, PayoutStatus.PAID) + _showing(facts, PayoutStatus.RETURNED)
    if closed and paid:
        yield CaseNote(CaseKind.CONTRADICTION, max(min(closed), min(paid)))
    elif facts.refusals and facts.trades and not facts.exposing:
        first = min(t.evidence.id for t in facts.trades)
        yield CaseNote(CaseKind.CONTRADICTION, max(first, facts.refusals[0].evidence.id))
    known_since = min((t.evidence.received_at for t in facts.trades), default=None)
    if known_since is not None:
        late = (a.evidence.id for a in facts.absences if a.asked_at > known_since)
        yield from _first(CaseKind.VANISHED, late)
    named = [t.evidence for t in facts.trades if t.evidence.answer.trade_no]
    others = (e.id for e in named if e.answer.trade_no != named[0].answer.trade_no)
    yield from _first(CaseKind.SECOND_TRADE_NO, others)


def _showing(facts: Facts, status: PayoutStatus) -> list[int]:
    return [t.evidence.id for t in facts.trades if t.status is status]


def _unexpected(facts: Facts) -> Iterator[CaseNote]:
    """
    Evidence of a trade that we cannot have caused.
    """
    attempts = facts.dossier.attempts
    if all(attempt.outcome is AttemptOutcome.NOT_CONNECTED for attempt in attempts):
        yield from _first(CaseKind.UNEXPECTED, (t.evidence.id for t in facts.trades))


def _returns(facts: Facts) -> Iterator[CaseNote]:
    """
    Returns that are not simply the whole amount.
    """
    back = [t for t in facts.trades if t.evidence.answer.trade_status is TradeStatus.REFU]
    whole = facts.payout.amount_fen
    # The largest part, so that a further return of a case that a person closed opens another.
    parts = sorted((-_fen(t), t.evidence.id) for t in back if 0 < _fen(t) < whole)
    yield from _first(CaseKind.PARTIAL_RETURN, (evidence_id for _, evidence_id in parts))
    yield from _first(
        CaseKind.RETURN_AMOUNT, (t.evidence.id for t in back if not 0 < _fen(t) <= whole)
    )


def _fen(trade: Trade) -> int:
    return trade.evidence.answer.refund_fen or 0


def _dead_ends(
    facts: Facts, status: PayoutStatus, now: datetime, limits: Limits
) -> Iterator[CaseNote]:
    absent = proven_absent(facts, limits) if status is PayoutStatus.UNKNOWN else None
    if absent is not None and not may_resend(facts, now, limits):
        yield CaseNote(CaseKind.NOT_FOUND, absent.evidence.id)
    sent_at = facts.payout.last_sent_at
    if status is PayoutStatus.HELD:
        yield from _held(facts.payout, now, limits)
    if status.awaits_gateway and sent_at is not None and now - sent_at > limits.schedule.patience:
        # With each further answer that ends nothing, a case that a person closed opens again.
        yield CaseNote(CaseKind.UNRESOLVED, max((e.id for e in facts.answers), default=None))


def _held(payout: Payout, now: datetime, limits: Limits) -> Iterator[CaseNote]:
    """
    The one case that says why it is held.

    Only letting it go or withdrawing it closes that case, so held again it opens again.
    """
    if is_in_review(payout):
        yield CaseNote(CaseKind.REVIEW, reopens=True)
    elif is_stale(payout, now, limits):
        yield CaseNote(CaseKind.STALE, reopens=True)

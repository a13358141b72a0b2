"""
What a person has to look at: the contradictions and dead ends in what is known of a payout.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from worker.payouts.evidence import TradeStatus
from worker.payouts.limits import Rules
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.policy.classification import Trade
from worker.payouts.policy.controls import is_stale
from worker.payouts.policy.facts import Reading
from worker.payouts.policy.may_send import may_resend, proven_absent
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote


def cases(
    reading: Reading, status: PayoutStatus, now: datetime, rules: Rules
) -> tuple[CaseNote, ...]:
    """
    Every case that this payout gives reason for, each with the evidence that completed it.
    """
    return (
        *_contradictions(reading),
        *_unexpected(reading),
        *_returns(reading),
        *_first(CaseKind.NUMBER_TAKEN, (b.evidence.id for b in reading.taken)),
        *_first(CaseKind.MISMATCH, (b.evidence.id for b in reading.mismatches)),
        *_first(CaseKind.NO_RESULT, (b.evidence.id for b in reading.no_results)),
        *_dead_ends(reading, status, now, rules),
    )


def _first(kind: CaseKind, evidence_ids: Iterable[int]) -> Iterator[CaseNote]:
    for evidence_id in evidence_ids:
        yield CaseNote(kind, evidence_id)
        return


def _contradictions(reading: Reading) -> Iterator[CaseNote]:
    closed = _showing(reading, PayoutStatus.FAILED)
    paid = _showing(reading, PayoutStatus.PAID) + _showing(reading, PayoutStatus.RETURNED)
    if closed and paid:
        yield CaseNote(CaseKind.CONTRADICTION, max(min(closed), min(paid)))
    elif reading.refusals and reading.trades and not reading.exposing:
        first = min(t.evidence.id for t in reading.trades)
        yield CaseNote(CaseKind.CONTRADICTION, max(first, reading.refusals[0].evidence.id))
    known_since = min((t.evidence.received_at for t in reading.trades), default=None)
    if known_since is not None:
        late = (a.evidence.id for a in reading.absences if a.asked_at > known_since)
        yield from _first(CaseKind.VANISHED, late)
    named = [t.evidence for t in reading.trades if t.evidence.answer.trade_no]
    others = (e.id for e in named if e.answer.trade_no != named[0].answer.trade_no)
    yield from _first(CaseKind.SECOND_TRADE_NO, others)


def _showing(reading: Reading, status: PayoutStatus) -> list[int]:
    return [t.evidence.id for t in reading.trades if t.status is status]


def _unexpected(reading: Reading) -> Iterator[CaseNote]:
    """
    Evidence of a trade that we cannot have caused.
    """
    attempts = reading.dossier.attempts
    if all(attempt.outcome is AttemptOutcome.NOT_CONNECTED for attempt in attempts):
        yield from _first(CaseKind.UNEXPECTED, (t.evidence.id for t in reading.trades))


def _returns(reading: Reading) -> Iterator[CaseNote]:
    """
    Returns that are not simply the whole amount.
    """
    back = [t for t in reading.trades if t.evidence.answer.trade_status is TradeStatus.REFU]
    whole = reading.payout.amount_fen
    # The largest part, so that a further return of a case that a person closed opens another.
    parts = sorted((-_fen(t), t.evidence.id) for t in back if 0 < _fen(t) < whole)
    yield from _first(CaseKind.PARTIAL_RETURN, (evidence_id for _, evidence_id in parts))
    yield from _first(
        CaseKind.RETURN_AMOUNT, (t.evidence.id for t in back if not 0 < _fen(t) <= whole)
    )


def _fen(trade: Trade) -> int:
    return trade.evidence.answer.refund_fen or 0


def _dead_ends(
    reading: Reading, status: PayoutStatus, now: datetime, rules: Rules
) -> Iterator[CaseNote]:
    absent = proven_absent(reading, rules) if status is PayoutStatus.UNKNOWN else None
    if absent is not None and not may_resend(reading, now, rules):
        yield CaseNote(CaseKind.NOT_FOUND, absent.evidence.id)
    sent_at = reading.payout.last_sent_at
    if status is PayoutStatus.HELD and is_stale(reading.payout, now, rules):
        # Only letting it go or withdrawing it settles this case, so held again it opens again.
        yield CaseNote(CaseKind.STALE, reopens=True)
    if status.awaits_gateway and sent_at is not None and now - sent_at > rules.schedule.patience:
        # With each further answer that ends nothing, a case that a person closed opens again.
        yield CaseNote(CaseKind.UNRESOLVED, max((e.id for e in reading.answers), default=None))

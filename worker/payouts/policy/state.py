"""
Where everything known puts a payout: one pure function, for every status and every source.

It looks at all the evidence each time, not at the latest piece, so neither the order nor the number
of copies in which evidence arrives can change the outcome. The only things taken from the row are
what evidence does not tell: local statuses, operators' decisions, and when the status was reached.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.payouts.evidence import Evidence, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.cases import cases
from worker.payouts.policy.classification import BALANCE_SHORT, Refusal
from worker.payouts.policy.controls import is_stale, lapses
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.may_send import may_send
from worker.payouts.policy.next_query import next_query_at
from worker.payouts.policy.restore import is_doubted
from worker.payouts.query_schedule import doubled
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import CaseNote, Update

#: A status, why, and the evidence that decided it.
Verdict = tuple[PayoutStatus, Reason, Evidence | None]


@dataclass(frozen=True, slots=True)
class Derived:
    """
    What has become of a payout.
    """

    status: PayoutStatus
    reason: Reason
    #: What decided it; None where no evidence did.
    evidence: Evidence | None
    exposed: bool
    returned_fen: int


def derive_update(dossier: Dossier, now: datetime, limits: Limits) -> Update:
    """
    Return what the payout's row should say at `now`, the database's time.
    """
    return update_from(gather_facts(dossier), now, limits)


def update_from(facts: Facts, now: datetime, limits: Limits) -> Update:
    """
    The same, of what was gathered already.
    """
    payout, dossier = facts.payout, facts.dossier
    if not payout.is_intact:
        return _standstill(facts)
    told = derive_status(facts, now, limits)
    status = told.status
    finalized_at = payout.finalized_at if status is payout.status else None
    if status.is_final and finalized_at is None:
        finalized_at = now
    waiting = tuple(e for e in dossier.evidence if e.applied_at is None)
    return Update(
        status=status,
        reason=told.reason,
        evidence_id=told.evidence.id if told.evidence else None,
        exposed=told.exposed,
        trade_no=payout.trade_no or _first_trade_no(facts),
        returned_fen=told.returned_fen,
        finalized_at=finalized_at,
        next_send_at=_next_send_at(facts, status, now, limits),
        next_query_at=next_query_at(facts, status, finalized_at, now, limits),
        query_misses=0 if _is_news(facts) else payout.query_misses,
        doubted_at=payout.doubted_at if is_doubted(facts, limits) else None,
        cases=cases(facts, status, now, limits),
        pause=_pause(dossier, waiting),
        verified=tuple(e.answer.verified for e in waiting if e.source is not Source.NOTIFICATION),
    )


def _standstill(facts: Facts) -> Update:
    """
    Nothing follows from a row that is not what was written: it stays, unsent, until people decide.
    """
    payout = facts.payout
    kept = {name: getattr(payout, name) for name in _KEPT}
    waiting = tuple(e for e in facts.dossier.evidence if e.applied_at is None)
    return Update(
        **kept,
        evidence_id=None,
        next_send_at=None,
        cases=(CaseNote(CaseKind.TAMPERED, reopens=True),),
        pause=_pause(facts.dossier, waiting),
    )


_KEPT = (
    *("status", "reason", "exposed", "trade_no", "returned_fen", "finalized_at", "next_query_at"),
    *("query_misses", "doubted_at"),
)


def derive_status(facts: Facts, now: datetime, limits: Limits) -> Derived:
    """
    What has become of a payout at `now`, without what is to be done about it.
    """
    status, reason, evidence = _verdict(facts, now, limits)
    return Derived(status, reason, evidence, bool(facts.exposing), _returned_fen(facts))


def _verdict(facts: Facts, now: datetime, limits: Limits) -> Verdict:
    payout = facts.payout
    found = _evidenced(facts) or _attempted(facts)
    if found is None and payout.status is PayoutStatus.QUEUED and is_stale(payout, now, limits):
        return PayoutStatus.HELD, Reason.STALE, None
    if found is None or found[0] is payout.status:
        return payout.status, _sharper_reason(facts), None
    if found[0].rank < payout.status.rank and payout.status is not PayoutStatus.UNKNOWN:
        return payout.status, payout.reason, None
    return found


def _evidenced(facts: Facts) -> Verdict | None:
    """
    The highest status that JD's word gives, or two people's decision, whatever came first.

    A refusal counts where no attempt may have got past it: it speaks for its own attempt alone.
    """
    found: list[Verdict] = []
    if facts.top is not None:
        found.append((facts.top.status, facts.top.reason, facts.top.evidence))
    if facts.refusals and not facts.exposing:
        found.append(_refused(max(facts.refusals, key=_attempt)))
    if (decided := facts.dossier.decided) is not None:
        found.append((decided.proof.status(facts.payout.amount_fen), Reason.DECIDED, None))
    return max(found, key=lambda verdict: verdict[0].rank, default=None)


def _attempted(facts: Facts) -> Verdict | None:
    """
    What the end of the last attempt says by itself: at most that we do not know.
    """
    attempts = facts.dossier.attempts
    if not attempts or attempts[-1].outcome is None:
        return None
    if facts.payout.status is not PayoutStatus.SENDING:
        return None
    return _unknown(facts) if facts.exposing else _UNSENT


_UNSENT: Verdict = (PayoutStatus.QUEUED, Reason.NOT_CONNECTED, None)


def _sharper_reason(facts: Facts) -> Reason:
    """
    Notifications of a CLOS carry no reason; the confirming query then brings it.
    """
    reasons = {trade.reason for trade in facts.trades}
    if facts.payout.reason is Reason.CLOSED and Reason.CLOSED_BALANCE_SHORT in reasons:
        return Reason.CLOSED_BALANCE_SHORT
    return facts.payout.reason


def _unknown(facts: Facts) -> Verdict:
    if facts.taken:
        return PayoutStatus.UNKNOWN, Reason.NUMBER_TAKEN, facts.taken[0].evidence
    match facts.exposing[-1].outcome:
        case AttemptOutcome.LOST:
            return PayoutStatus.UNKNOWN, Reason.LEASE_EXPIRED, None
        case AttemptOutcome.ANSWERED:
            return PayoutStatus.UNKNOWN, Reason.UNCLEAR_ANSWER, None
        case _:
            return PayoutStatus.UNKNOWN, Reason.NO_ANSWER, None


_REFUSED = {
    Meaning.PAYEE: (PayoutStatus.FAILED, Reason.PAYEE_REFUSED),
    Meaning.REQUEST: (PayoutStatus.REFUSED, Reason.REQUEST_REFUSED),
    Meaning.CHANNEL: (PayoutStatus.REFUSED, Reason.CHANNEL_REFUSED),
    Meaning.BALANCE: (PayoutStatus.REFUSED, Reason.BALANCE_REFUSED),
}


def _refused(refusal: Refusal) -> Verdict:
    status, reason = _REFUSED[refusal.evidence.answer.meaning]
    return status, reason, refusal.evidence


def _attempt(refusal: Refusal) -> int:
    return refusal.evidence.attempt_id or 0


def _is_news(facts: Facts) -> bool:
    """
    Whether a query was answered that was not judged yet.
    """
    return any(evidence.applied_at is None for evidence in facts.answers)


def _first_trade_no(facts: Facts) -> str | None:
    numbers = (t.evidence.answer.trade_no for t in facts.trades)
    return next((number for number in numbers if number), None)


def _returned_fen(facts: Facts) -> int:
    """
    The most that any return named, or a decision, and never more than was paid.
    """
    payout, decided = facts.payout, facts.dossier.decided
    proven = 0 if decided is None else decided.proof.returned_fen
    named = [
        t.evidence.answer.refund_fen or 0
        for t in facts.trades
        if t.evidence.answer.trade_status is TradeStatus.REFU
    ]
    return max([payout.returned_fen, proven, *(fen for fen in named if fen <= payout.amount_fen)])


def _next_send_at(
    facts: Facts, status: PayoutStatus, now: datetime, limits: Limits
) -> datetime | None:
    payout = facts.payout
    if status in _SENT_NOT_AT_ALL and payout.status is PayoutStatus.SENDING and _unsent(facts):
        return now + _backoff(facts.dossier, limits)
    if status is not payout.status:
        return None
    if lapses(payout, status, now, limits):
        return None
    if status is PayoutStatus.UNKNOWN:
        return (payout.next_send_at or now) if may_send(facts, now, limits) else None
    return payout.next_send_at


#: Where a payout goes back to if its connection was never made: the wish to send it stays.
_SENT_NOT_AT_ALL = frozenset({PayoutStatus.QUEUED, PayoutStatus.REFUSED})


def _unsent(facts: Facts) -> bool:
    return facts.dossier.attempts[-1].outcome is AttemptOutcome.NOT_CONNECTED


def _backoff(dossier: Dossier, limits: Limits) -> timedelta:
    tries = 0
    for attempt in reversed(dossier.attempts):
        if attempt.outcome is not AttemptOutcome.NOT_CONNECTED:
            break
        tries += 1
    return doubled(limits.backoff_first, limits.backoff_longest, max(0, tries - 1))


def _pause(dossier: Dossier, waiting: tuple[Evidence, ...]) -> str | None:
    """
    Our own faults stop the channel, signed or not: a false alarm costs time, a missed one more.
    """
    for evidence in waiting:
        answer = evidence.answer
        if evidence.source is not Source.NOTIFICATION and answer.meaning in _STOPS:
            return f"JD answered {answer.code}"
        if _is_short(evidence) and not any(_is_short(e) for e in dossier.evidence if e.applied_at):
            # Told for the first time: a repetition must not undo that someone topped up.
            return f"JD closed a payout with {BALANCE_SHORT}: balance short"
    return None


def _is_short(evidence: Evidence) -> bool:
    return evidence.answer.verified and evidence.answer.reason_code == BALANCE_SHORT


_STOPS = frozenset({Meaning.CHANNEL, Meaning.BALANCE})

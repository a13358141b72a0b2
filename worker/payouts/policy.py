"""
Where everything known puts a payout: one pure function, for every status and every source.

It looks at all the evidence each time, not at the latest piece, so neither the order nor the number
of copies in which evidence arrives can change the outcome. The only things taken from the row are
what evidence does not tell: local statuses, operators' decisions, and when the status was reached.
"""

from datetime import datetime, timedelta

from worker.payouts.asking import next_query_at
from worker.payouts.bearing import BALANCE_SHORT, Refusal
from worker.payouts.casebook import cases
from worker.payouts.evidence import Evidence, Meaning, Source, TradeStatus
from worker.payouts.followup import doubled
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.reading import Reading, read
from worker.payouts.resend import may_send
from worker.payouts.rules import Rules
from worker.payouts.standing import Standing
from worker.payouts.status import PayoutStatus, Reason

#: A status, why, and the evidence that decided it.
Verdict = tuple[PayoutStatus, Reason, Evidence | None]


def weigh(dossier: Dossier, now: datetime, rules: Rules) -> Standing:
    """
    Return what the payout's row should say at `now`, the database's time.
    """
    payout = dossier.payout
    reading = read(dossier)
    status, reason, evidence = _verdict(reading)
    settled_at = payout.settled_at if status is payout.status else None
    if status.is_final and settled_at is None:
        settled_at = now
    waiting = tuple(e for e in dossier.evidence if e.applied_at is None)
    return Standing(
        status=status,
        reason=reason,
        evidence_id=evidence.id if evidence else None,
        exposed=bool(reading.exposing),
        trade_no=payout.trade_no or _first_trade_no(reading),
        returned_fen=_returned_fen(reading),
        settled_at=settled_at,
        next_send_at=_next_send_at(reading, status, now, rules),
        next_query_at=next_query_at(reading, status, settled_at, now, rules),
        cases=cases(reading, status, now, rules),
        pause=_pause(waiting),
        verified=tuple(e.answer.verified for e in waiting if e.source is not Source.NOTIFICATION),
    )


def _verdict(reading: Reading) -> Verdict:
    payout = reading.payout
    stays: Verdict = (payout.status, payout.reason, None)
    top = reading.top
    if top is not None:
        if top.status is payout.status:
            return payout.status, _sharper_reason(reading), None
        if top.status.rank < payout.status.rank:
            return stays
        return top.status, top.reason, top.evidence
    if payout.status.rank > PayoutStatus.UNKNOWN.rank or not reading.dossier.attempts:
        return stays
    last = reading.dossier.attempts[-1]
    if last.outcome is None or payout.status not in _MOVED_BY_ATTEMPTS:
        return stays
    if reading.exposing:
        if payout.status is PayoutStatus.UNKNOWN:
            return stays
        return _unknown(reading)
    if reading.refusals:
        return _refused(reading.refusals[-1])
    return PayoutStatus.QUEUED, Reason.NOT_CONNECTED, None


def _sharper_reason(reading: Reading) -> Reason:
    """
    Notifications of a CLOS carry no reason; the confirming query then brings it.
    """
    reasons = {trade.reason for trade in reading.trades}
    if reading.payout.reason is Reason.CLOSED and Reason.CLOSED_BALANCE_SHORT in reasons:
        return Reason.CLOSED_BALANCE_SHORT
    return reading.payout.reason


#: Where an attempt's end may still move a payout without any trade status.
_MOVED_BY_ATTEMPTS = frozenset({PayoutStatus.SENDING, PayoutStatus.UNKNOWN, PayoutStatus.REFUSED})


def _unknown(reading: Reading) -> Verdict:
    if reading.taken:
        return PayoutStatus.UNKNOWN, Reason.NUMBER_TAKEN, reading.taken[0].evidence
    match reading.exposing[-1].outcome:
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


def _first_trade_no(reading: Reading) -> str | None:
    numbers = (t.evidence.answer.trade_no for t in reading.trades)
    return next((number for number in numbers if number), None)


def _returned_fen(reading: Reading) -> int:
    """
    The most that any return named, and never more than was paid.
    """
    payout = reading.payout
    named = [
        t.evidence.answer.refund_fen or 0
        for t in reading.trades
        if t.evidence.answer.trade_status is TradeStatus.REFU
    ]
    return max([payout.returned_fen, *(fen for fen in named if fen <= payout.amount_fen)])


def _next_send_at(
    reading: Reading, status: PayoutStatus, now: datetime, rules: Rules
) -> datetime | None:
    payout = reading.payout
    if status is PayoutStatus.QUEUED and payout.status is not PayoutStatus.QUEUED:
        return now + _backoff(reading.dossier, rules)
    if status is not payout.status:
        return None
    if status is PayoutStatus.UNKNOWN:
        return (payout.next_send_at or now) if may_send(reading, now, rules) else None
    return payout.next_send_at


def _backoff(dossier: Dossier, rules: Rules) -> timedelta:
    tries = 0
    for attempt in reversed(dossier.attempts):
        if attempt.outcome is not AttemptOutcome.NOT_CONNECTED:
            break
        tries += 1
    return doubled(rules.backoff_first, rules.backoff_longest, max(0, tries - 1))


def _pause(waiting: tuple[Evidence, ...]) -> str | None:
    """
    Our own faults stop the channel, signed or not: a false alarm costs time, a missed one more.
    """
    for evidence in waiting:
        answer = evidence.answer
        if evidence.source is not Source.NOTIFICATION and answer.meaning in _STOPS:
            return f"JD answered {answer.code}"
        if answer.verified and answer.reason_code == BALANCE_SHORT:
            return f"JD closed a payout with {BALANCE_SHORT}: balance short"
    return None


_STOPS = frozenset({Meaning.CHANNEL, Meaning.BALANCE})

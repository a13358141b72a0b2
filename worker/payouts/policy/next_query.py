"""
When to ask JD about a payout next.

The schedule gives the times; what is known of the payout says which part of it applies.
"""

from datetime import datetime

from worker.payouts.evidence import Source
from worker.payouts.limits import Rules
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER, is_odd
from worker.payouts.policy.facts import Reading
from worker.payouts.status import PayoutStatus


def next_query_at(
    reading: Reading,
    status: PayoutStatus,
    settled_at: datetime | None,
    now: datetime,
    rules: Rules,
) -> datetime | None:
    """
    When the next follow-up query is due, given where the payout now stands; None where none is.
    """
    payout = reading.payout
    due = _due(reading, status, settled_at, now, rules)
    asked_already = payout.query_misses > 0 and payout.next_query_at is not None
    if due is not None and due <= now and asked_already:
        # The question is out, and unanswered so far: it keeps the time of its repetition.
        return payout.next_query_at
    return due


def _due(
    reading: Reading,
    status: PayoutStatus,
    settled_at: datetime | None,
    now: datetime,
    rules: Rules,
) -> datetime | None:
    answered_at = reading.answered_at
    if is_doubted(reading) or _is_puzzling(reading):
        return now
    if status.awaits_gateway or _moves_after_all(reading):
        return _ladder(reading, status, rules)
    if settled_at is None or status is PayoutStatus.CANCELLED:
        return None
    if not _is_confirmed(reading, status, settled_at):
        return now
    if status is PayoutStatus.PAID:
        return rules.schedule.after_success(settled_at, answered_at)
    return _closed_again_at(reading)


def is_doubted(reading: Reading) -> bool:
    """
    Whether the database was restored, and no question about this payout was answered since.
    """
    since, answered_at = reading.payout.doubted_at, reading.answered_at
    return since is not None and (answered_at is None or answered_at < since)


def _is_puzzling(reading: Reading) -> bool:
    """
    Whether something odd reached us, and no question asked since then was answered.
    """
    odd = [t.evidence for t in reading.trades if is_odd(t)]
    odd += [m.evidence for m in reading.mismatches]
    told = [e.received_at for e in odd if e.source is not Source.QUERY]
    return any(reading.answered_at is None or at > reading.answered_at for at in told)


def _moves_after_all(reading: Reading) -> bool:
    """
    Whether JD works on a payout that it first refused: its end is not known then.
    """
    return reading.top is not None and not reading.top.status.is_final


def _ladder(reading: Reading, status: PayoutStatus, rules: Rules) -> datetime | None:
    payout = reading.payout
    since = payout.last_sent_at or payout.accepted_at
    due = rules.schedule.after_transmission(since, reading.answered_at)
    ended = payout.lease_ended_at
    if status is PayoutStatus.UNKNOWN and ended is not None and reading.absences:
        # JD said that it does not have it: ask again as soon as that answer would count, since a
        # payout that never arrived should not wait two hours to be sent again.
        asked = reading.answered_at
        gaps = [ended + gap for gap in rules.resend_gaps]
        return min([due, *(at for at in gaps if asked is None or at > asked)])
    return due


def _closed_again_at(reading: Reading) -> datetime | None:
    """
    When to ask a closed payout's last question: JD's second word, and the proof of a release.
    """
    told = (t.evidence for t in reading.trades if t.status is PayoutStatus.FAILED)
    asked = [e.asked_at for e in told if e.source is Source.QUERY and e.asked_at is not None]
    due = min(asked, default=None)
    if due is None or reading.answered_at is None:
        return None
    due += CLOSED_TWICE_AFTER
    return None if reading.answered_at >= due else due


def _is_confirmed(reading: Reading, status: PayoutStatus, settled_at: datetime) -> bool:
    """
    Whether JD was asked about this final status, which a reply or a notification may have brought.
    """
    if reading.answered_at is not None and reading.answered_at >= settled_at:
        return True
    return any(t.evidence.source is Source.QUERY and t.status is status for t in reading.trades)

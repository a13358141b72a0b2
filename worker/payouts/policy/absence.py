"""
JD says that it does not have a payout: how often and how late it must, and when to ask it again.

A request may be under way for a while after its worker gave it up, and JD's books may lag: so one
answer proves nothing. One not-found answer counts for each of `limits.resend_gaps`, to a question
asked at least that long after the last request can have left us, and at least the first gap after
the one before it. It must have been asked where those requests went.
"""

from collections.abc import Iterator
from datetime import datetime

from worker.payouts.limits import Limits
from worker.payouts.policy.classification import Absent
from worker.payouts.policy.facts import Facts


def proven_absent(facts: Facts, ended: datetime | None, limits: Limits) -> Absent | None:
    """
    The answer with which JD has said so often and late enough; the newest that does.

    `ended` is when the last request can have left us. None if that is not known, if JD has not said
    so, or if it ever had no result for this payout.
    """
    if ended is None or facts.no_results:
        return None
    completing = None
    for _, completing in _denials(facts, ended, limits):
        if completing is None:
            return None
    if completing is None:
        return None
    since = completing.asked_at
    later = (absent for absent in denials(facts) if absent.asked_at >= since)
    return max(later, key=lambda absent: absent.evidence.id, default=None)


def denials(facts: Facts) -> tuple[Absent, ...]:
    """
    The answers that JD does not have it, given where it would have it.

    After a person had it asked about at another address, what that one does not know may be at the
    one before: only a request that was sent there since is denied there.
    """
    since = facts.payout.redirected_at
    if since is None or not _may_be_elsewhere(facts, since):
        return facts.absences
    return tuple(absent for absent in facts.absences if absent.asked_at < since)


def _may_be_elsewhere(facts: Facts, since: datetime) -> bool:
    doubted_at = facts.payout.doubted_at
    if doubted_at is not None and doubted_at <= since:
        return True
    return any(attempt.started_at < since for attempt in facts.exposing)


def next_denial_at(facts: Facts, ended: datetime, limits: Limits) -> datetime | None:
    """
    When to ask so that a not-found answer would count; None if nothing is missing.
    """
    return next((at for at, told in _denials(facts, ended, limits) if told is None), None)


def _denials(
    facts: Facts, ended: datetime, limits: Limits
) -> Iterator[tuple[datetime, Absent | None]]:
    """
    For each gap when a question for it could be asked, and the first answer to one.

    The last one is the gap that has no such answer.
    """
    earliest = ended
    for gap in limits.resend_gaps:
        earliest = max(earliest, ended + gap)
        late_enough = [absent for absent in denials(facts) if absent.asked_at >= earliest]
        told = min(late_enough, key=lambda absent: absent.asked_at, default=None)
        yield earliest, told
        if told is None:
            return
        earliest = told.asked_at + limits.resend_gaps[0]

"""
When to ask JD about a payout next.

The schedule gives the times; what is known of the payout says which part of it applies.
"""

from datetime import datetime

from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.policy.absence import next_denial_at
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER, is_odd
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.restore import denied_next_at, is_doubted
from worker.payouts.policy.returns import shrunken
from worker.payouts.policy.signs import beyond, further, stands
from worker.payouts.status import PayoutStatus


def next_query_at(
    facts: Facts,
    status: PayoutStatus,
    finalized_at: datetime | None,
    now: datetime,
    limits: Limits,
) -> datetime | None:
    """
    When the next follow-up query is due, given the status it now has; None where none is.
    """
    payout = facts.payout
    due = _due(facts, status, finalized_at, now, limits)
    asked_already = payout.query_misses > 0 and payout.next_query_at is not None
    if due is not None and due <= now and asked_already:
        # The question is out, and unanswered so far: it keeps the time of its repetition.
        return payout.next_query_at
    return due


def _due(
    facts: Facts,
    status: PayoutStatus,
    finalized_at: datetime | None,
    now: datetime,
    limits: Limits,
) -> datetime | None:
    if finalized_at is not None and stands(facts):
        return limits.schedule.after_success(finalized_at, facts.heard_at)
    if _is_unheard(facts) or _is_puzzling(facts):
        return now
    if is_doubted(facts, limits):
        return _until_certain(facts, limits)
    if status.awaits_gateway or _moves_after_all(facts, status):
        return _ladder(facts, status, limits)
    due = end_asked_since(facts, status, finalized_at, limits)
    return now if due is not None and due == finalized_at else due


def end_asked_since(
    facts: Facts, status: PayoutStatus, finalized_at: datetime | None, limits: Limits
) -> datetime | None:
    """
    Since when, or from when on, JD is asked about an end and what comes after it; None if never.
    """
    if finalized_at is None or status is PayoutStatus.CANCELLED:
        return None
    if not _is_confirmed(facts, status, finalized_at):
        return finalized_at
    if status is PayoutStatus.PAID:
        return limits.schedule.after_success(finalized_at, facts.answered_at)
    return _closed_again_at(facts)


def _until_certain(facts: Facts, limits: Limits) -> datetime:
    """
    When to ask next about a payout in doubt: as soon as a not-found answer would count.

    Of what was not sent, as far as we know, there is nothing else to hear.
    """
    payout, asked = facts.payout, facts.answered_at
    at = denied_next_at(facts, limits)
    if at is not None and not facts.exposing and (asked is None or at > asked):
        return at
    since = max(payout.doubted_at or payout.accepted_at, payout.accepted_at)
    return _sooner(limits.schedule.after_transmission(since, asked), at, asked)


def _sooner(due: datetime, at: datetime | None, asked: datetime | None) -> datetime:
    """
    The earlier of two times, of which the second counts only if nothing was asked since then.
    """
    return due if at is None or (asked is not None and at <= asked) else min(due, at)


def _is_unheard(facts: Facts) -> bool:
    """
    Whether the database was restored, and JD has answered nothing since.
    """
    since, answered_at = facts.payout.doubted_at, facts.answered_at
    return since is not None and (answered_at is None or answered_at < since)


def _is_puzzling(facts: Facts) -> bool:
    """
    Whether something odd reached us, and no question asked since then was answered.
    """
    odd = [t.evidence for t in facts.trades if is_odd(t)]
    odd += [m.evidence for m in facts.mismatches]
    odd += [k.evidence for k in facts.known if k.evidence.source is Source.NOTIFICATION]
    odd += shrunken(facts)
    told = [e.received_at for e in odd if e.source is not Source.QUERY]
    return any(facts.answered_at is None or at > facts.answered_at for at in told)


def _moves_after_all(facts: Facts, status: PayoutStatus) -> bool:
    """
    Whether JD tells more of a payout than the end that it first told: its end is not known then.
    """
    if status is not PayoutStatus.FAILED:
        last = facts.last_word
        ended = [t.evidence.as_of for t in facts.trades if t.status is status]
        if last is None or not ended or last.status.rank >= status.rank:
            return False
        return last.evidence.as_of > min(ended)
    closed = [t.evidence.as_of for t in facts.trades if t.status is PayoutStatus.FAILED]
    if not closed:
        return bool(beyond(facts))
    return bool(further(facts, TradeStatus.CLOS, min(closed)))


def _ladder(facts: Facts, status: PayoutStatus, limits: Limits) -> datetime | None:
    payout = facts.payout
    since = payout.last_sent_at or payout.accepted_at
    due = limits.schedule.after_transmission(since, facts.answered_at)
    ended = payout.lease_ended_at
    if status is PayoutStatus.UNKNOWN and ended is not None and facts.absences:
        # JD said that it does not have it: ask again as soon as that answer would count, since a
        # payout that never arrived should not wait two hours to be sent again.
        return _sooner(due, next_denial_at(facts, ended, limits), facts.answered_at)
    return due


def _closed_again_at(facts: Facts) -> datetime | None:
    """
    When to ask a closed payout's last question: JD's second word, and the proof of a release.
    """
    told = (t.evidence for t in facts.trades if t.status is PayoutStatus.FAILED)
    asked = [e.asked_at for e in told if e.source is Source.QUERY and e.asked_at is not None]
    due = min(asked, default=None)
    if due is None or facts.answered_at is None:
        return None
    due += CLOSED_TWICE_AFTER
    return None if facts.answered_at >= due else due


def _is_confirmed(facts: Facts, status: PayoutStatus, finalized_at: datetime) -> bool:
    """
    Whether JD was asked about this final status, which a reply or a notification may have brought.
    """
    if facts.answered_at is not None and facts.answered_at >= finalized_at:
        return True
    return any(t.evidence.source is Source.QUERY and t.status is status for t in facts.trades)

"""
May a payout be sent, and may it be sent again? The most expensive decision there is.

The same number may go out again only from `unknown`, after JD itself has said, often and late
enough, that it knows no such trade. It relies on JD's deduplication by `out_trade_no`, so it is
limited, counted, and can be switched off; what it does not allow is for a person to decide.
"""

from datetime import datetime

from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.policy.classification import Absent
from worker.payouts.policy.controls import is_stale
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.signs import beyond
from worker.payouts.status import PayoutStatus


def may_send(facts: Facts, now: datetime, limits: Limits) -> bool:
    """
    Whether a worker may claim this payout now. An open case forbids it.
    """
    if facts.dossier.open_cases or beyond(facts):
        return False
    match facts.payout.status:
        case PayoutStatus.QUEUED:
            return not is_stale(facts.payout, now, limits)
        case PayoutStatus.REFUSED:
            # Only an operator makes a refused payout due, after fixing what was refused.
            wanted = facts.payout.next_send_at is not None
            return wanted and not is_stale(facts.payout, now, limits)
        case PayoutStatus.UNKNOWN:
            return proven_absent(facts, limits) is not None and may_resend(facts, now, limits)
        case _:
            return False


def proven_absent(facts: Facts, limits: Limits) -> Absent | None:
    """
    The answer with which JD has said often and late enough that it does not have this payout.

    One not-found answer for each of `limits.resend_gaps`, each to a question asked at least that
    long after the last lease ended and at least the first gap after the one before; the newest that
    says so. None if that is not so, or if JD ever had no result for it.
    """
    ended = facts.payout.lease_ended_at
    if ended is None or facts.no_results:
        return None
    completing = None
    for gap in limits.resend_gaps:
        earliest = ended + gap
        if completing is not None:
            earliest = max(earliest, completing.asked_at + limits.resend_gaps[0])
        late_enough = [absent for absent in facts.absences if absent.asked_at >= earliest]
        completing = min(late_enough, key=lambda absent: absent.asked_at, default=None)
        if completing is None:
            return None
        since = completing.asked_at
    later = (absent for absent in facts.absences if absent.asked_at >= since)
    return max(later, key=lambda absent: absent.evidence.id, default=None)


def may_resend(facts: Facts, now: datetime, limits: Limits) -> bool:
    """
    Whether a resend is still allowed for a payout that is absent.

    Any sign that JD knows more of it forbids it: then a person decides.
    """
    payout = facts.payout
    return (
        not beyond(facts)
        and _transmissions(facts.dossier) <= limits.resend_limit
        and payout.first_sent_at is not None
        and now - payout.first_sent_at <= limits.resend_window
    )


def _transmissions(dossier: Dossier) -> int:
    """
    How many attempts may have gone out: connections that were never made do not count.
    """
    return sum(a.outcome is not AttemptOutcome.NOT_CONNECTED for a in dossier.attempts)

"""
May a payout be sent, and may it be sent again? The most expensive decision there is.

The same number may go out again only from `unknown`, after JD itself has said, often and late
enough, that it knows no such trade. It relies on JD's deduplication by `out_trade_no`, so it is
limited, counted, and can be switched off; what it does not allow is for a person to decide.
"""

from datetime import datetime

from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.policy.absence import proven_absent
from worker.payouts.policy.controls import is_stale
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.restore import is_doubted
from worker.payouts.policy.signs import beyond
from worker.payouts.status import PayoutStatus


def may_send(facts: Facts, now: datetime, limits: Limits) -> bool:
    """
    Whether a worker may claim this payout now. An open case forbids it, and so does a doubt.
    """
    if facts.dossier.open_cases or beyond(facts) or is_doubted(facts, limits):
        return False
    match facts.payout.status:
        case PayoutStatus.QUEUED:
            return not is_stale(facts.payout, now, limits)
        case PayoutStatus.REFUSED:
            # Only an operator makes a refused payout due, after fixing what was refused.
            wanted = facts.payout.next_send_at is not None
            return wanted and not is_stale(facts.payout, now, limits)
        case PayoutStatus.UNKNOWN:
            absent = proven_absent(facts, facts.payout.lease_ended_at, limits)
            return absent is not None and may_resend(facts, now, limits)
        case _:
            return False


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

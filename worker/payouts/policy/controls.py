"""
How long a payout may wait to be sent.

A long pause must not end in a flood of payments that nobody expects any more: what could not be
sent in time waits for a person.
"""

from datetime import datetime, timedelta

from worker.payouts.limits import Limits
from worker.payouts.model import Payout


def send_deadline(payout: Payout, within: timedelta) -> datetime:
    """
    When it is too late to send this payout for the first time: `within` if its job names no time.

    Its time begins again when a person lets it go.
    """
    if payout.let_go_at is not None:
        return payout.let_go_at + within
    return payout.send_before or payout.accepted_at + within


def is_stale(payout: Payout, now: datetime, limits: Limits) -> bool:
    """
    Whether that moment has passed at `now`.
    """
    return now >= send_deadline(payout, limits.send_within)

"""
What holds a payout back before it is sent: its time is over, or a control wants a person to look.

A long pause must not end in a flood of payments that nobody expects any more: what could not be
sent in time waits for a person. So does, from its acceptance on, what goes to a payee whom the
merchant wants to look at first.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.payouts.hold import Hold
from worker.payouts.limits import Limits
from worker.payouts.model import Order, Payout
from worker.payouts.profile import is_play_money
from worker.payouts.status import PayoutStatus, Reason


@dataclass(frozen=True, slots=True)
class ReviewList:
    """
    The payees' account numbers whose payouts a person looks at first. No `repr` shows them.
    """

    account_nos: frozenset[str] = field(default=frozenset(), repr=False)


def needs_review(order: Order, listed: ReviewList) -> bool:
    """
    Whether a payout waits for a person as soon as it is accepted.
    """
    return order.payee.account_no in listed.account_nos


def held_by(payout: Payout) -> Hold | None:
    """
    The control that holds it back now; None for one that could not be sent in time.
    """
    if payout.status is not PayoutStatus.HELD:
        return None
    return next((hold for hold in Hold if hold.reason is payout.reason), None)


def is_approved(payout: Payout) -> bool:
    """
    Whether letting it go lets it exceed the limit that it is held for: in the sandbox profile.

    With real money two people raise the limit, and it is asked again when it is claimed.
    """
    return payout.reason is Reason.LIMIT and is_play_money(payout.terms.profile)


def over_a_limit(payout: Payout) -> str:
    """
    What the record of letting it go says besides, where that lets it exceed a limit.
    """
    if not is_approved(payout):
        return ""
    return " (over a limit; in the sandbox profile one person is enough)"


def is_set_aside(payout: Payout) -> bool:
    """
    Whether a person has set aside that JD does not answer for it since the last restore.

    It holds up no other payout then; itself it is still in doubt, and not sent.
    """
    aside, doubted = payout.set_aside_at, payout.doubted_at
    return aside is not None and doubted is not None and aside >= doubted


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


def lapses(payout: Payout, status: PayoutStatus, now: datetime, limits: Limits) -> bool:
    """
    Whether a person's wish to send a refused payout again has come too late to be carried out.
    """
    wanted = status is PayoutStatus.REFUSED and payout.next_send_at is not None
    return wanted and is_stale(payout, now, limits)


def wanted_at(payout: Payout, now: datetime) -> datetime | None:
    """
    From when a payout's time counts if a person has it sent again now; None while its own lasts.
    """
    in_time = payout.send_before is not None and now < payout.send_before
    return payout.let_go_at if in_time else now

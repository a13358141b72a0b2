"""
How much of a producer's day is used up, and whether a payout still fits into it.

A payout counts when it is first claimed, in the day of Beijing in which that is. From then on it
counts whatever becomes of it, since it may be with JD: a retry after a connection that was never
made, or a resend, counts no second time. Its room comes back once its debt is free again, which
takes proof that nothing was paid, and only within the same day: a day that is over limits nothing.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, timezone

from worker.payouts.control_change import ProducerLimits
from worker.payouts.hold import Hold
from worker.payouts.model import Dossier
from worker.payouts.status import Reason

#: No daylight saving since 1991.
_BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class ProducerDay:
    """
    What of a producer's was claimed in one day.
    """

    producer: str
    #: The day in Beijing, as 2026-11-28.
    day: str
    claimed_fen: int = 0
    new_payees: int = 0


def day_of(at: datetime) -> str:
    """
    The day in Beijing of a moment.
    """
    return at.astimezone(_BEIJING).date().isoformat()


def began_at(at: datetime) -> datetime:
    """
    When the day in Beijing began that a moment is in.
    """
    midnight = datetime.combine(at.astimezone(_BEIJING).date(), time(), _BEIJING)
    return midnight.astimezone(UTC)


def as_of(day: ProducerDay, now: datetime) -> ProducerDay:
    """
    The count at `now`: of a day that is over nothing is left.
    """
    today = day_of(now)
    return day if day.day == today else ProducerDay(day.producer, today)


def exceeded(
    limits: ProducerLimits, day: ProducerDay, amount_fen: int, *, is_new: bool
) -> Hold | None:
    """
    The limit that a payout would exceed; None if it fits.
    """
    after = count(day, amount_fen, is_new=is_new)
    if limits.largest_fen is not None and amount_fen > limits.largest_fen:
        return Hold.AMOUNT_LIMIT
    if limits.day_fen is not None and after.claimed_fen > limits.day_fen:
        return Hold.DAY_LIMIT
    if is_new and limits.new_payees is not None and after.new_payees > limits.new_payees:
        return Hold.PAYEE_LIMIT
    return None


def count(day: ProducerDay, amount_fen: int, *, is_new: bool) -> ProducerDay:
    """
    The day with one payout more.
    """
    return replace(
        day, claimed_fen=day.claimed_fen + amount_fen, new_payees=day.new_payees + is_new
    )


def given_back(day: ProducerDay, first_sent_at: datetime | None, amount_fen: int) -> ProducerDay:
    """
    The day once the debt of a payout that counted in it is free; no other day changes.
    """
    if first_sent_at is None or day_of(first_sent_at) != day.day:
        return day
    return replace(day, claimed_fen=max(0, day.claimed_fen - amount_fen))


def counts(dossier: Dossier) -> bool:
    """
    Whether a claim counts: the first does.
    """
    return not dossier.attempts


def is_waived(dossier: Dossier) -> bool:
    """
    Whether a person let go a payout though it exceeds a limit: it is not held for that again.
    """
    return dossier.payout.reason is Reason.APPROVED

"""
What someone should be woken for, from a few figures of the ledger.
"""

import enum
from dataclasses import dataclass

from worker.payouts.health import Health
from worker.payouts.limits import Limits


class AlertKind(enum.StrEnum):
    """
    What is wrong. Each one says what it means and what to do.
    """

    #: No sweep: nothing is followed up. Start beat, and a worker for the queue `payouts.sweep`.
    SILENCE = "silence"
    #: Nothing is sent until someone resumes: `payouts channel` names the reason.
    PAUSED = "paused"
    #: Most of what was sent ended as unknown; sending goes on by itself after a rest.
    BREAKER = "breaker"
    #: The database was restored; nothing is sent until JD has answered for every payout in doubt.
    RESTORED = "restored"
    #: Unfinished payouts of a merchant that the settings do not name: nobody sends or asks about
    #: them. Run a worker with that merchant's settings until they are finished.
    OTHER_MERCHANT = "other_merchant"
    #: JD normally credits within two hours: `payouts list --status processing`, then ask JD.
    OVERDUE = "overdue"
    #: Payouts are held, late or for review: `payouts let-go` or `payouts cancel` each of them.
    STALE = "stale"
    #: Evidence cannot decide something: `payouts cases`.
    CASES = "cases"


@dataclass(frozen=True, slots=True)
class Alert:
    """
    One thing that is wrong, in words for the person on call.
    """

    kind: AlertKind
    detail: str


def alerts(health: Health, limits: Limits) -> tuple[Alert, ...]:
    """
    Everything that is wrong, the worst first.
    """
    swept_at, broken_until = health.swept_at, health.broken_until
    silent = swept_at is None or health.now - swept_at > limits.silence_limit
    checks = (
        (AlertKind.SILENCE, silent, f"the last sweep was at {swept_at or 'no time ever'}"),
        (AlertKind.RESTORED, health.in_doubt, f"{health.in_doubt} payouts to be asked about"),
        (AlertKind.PAUSED, health.paused_why, f"sending is paused: {health.paused_why}"),
        (
            AlertKind.BREAKER,
            broken_until is not None and broken_until > health.now,
            f"sending rests until {broken_until}",
        ),
        (
            AlertKind.OTHER_MERCHANT,
            health.others,
            f"{health.others} unfinished payouts are another merchant's, whom nobody serves here",
        ),
        (AlertKind.OVERDUE, health.overdue, f"{health.overdue} payouts without a final state"),
        (AlertKind.STALE, health.held, f"{health.held} payouts wait to be let go or withdrawn"),
        (AlertKind.CASES, health.open_cases, f"{health.open_cases} cases are open"),
    )
    return tuple(Alert(kind, detail) for kind, stands, detail in checks if stands)

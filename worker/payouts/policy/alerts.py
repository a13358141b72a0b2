"""
What somebody should be woken for, from a few signs that the ledger gives of itself.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.limits import Rules


@dataclass(frozen=True, slots=True)
class Signs:
    """
    How the whole stands for one member, at the database's time.
    """

    now: datetime
    #: When the last sweep began; None if there never was one.
    beat_at: datetime | None
    paused_why: str | None
    broken_until: datetime | None
    #: Payouts that JD must be asked about before anything is sent.
    in_doubt: int
    #: Payouts without a final state for too long.
    overdue: int
    #: Payouts that a control stopped before they were sent.
    held: int
    #: Cases that wait for a person; some name a number that is no payout of ours.
    open_cases: int


class AlertKind(enum.StrEnum):
    """
    What is wrong. Each member says what it means and what to do.
    """

    #: No sweep: nothing is followed up. Start beat, and a worker for the queue `payouts.sweep`.
    SILENCE = "silence"
    #: Nothing is sent until somebody resumes: `payouts channel` names the reason.
    PAUSED = "paused"
    #: Most of what was sent ended as unknown; sending goes on by itself after a rest.
    BREAKER = "breaker"
    #: The database was restored; nothing is sent until JD has answered for every payout in doubt.
    RESTORED = "restored"
    #: JD normally credits within two hours: `payouts list --status processing`, then ask JD.
    OVERDUE = "overdue"
    #: Payouts wait for `payouts let-go` or `payouts cancel`.
    STALE = "stale"
    #: Evidence cannot settle something: `payouts cases`.
    CASES = "cases"


@dataclass(frozen=True, slots=True)
class Alert:
    """
    One thing that is wrong, in words for whoever is on call.
    """

    kind: AlertKind
    detail: str


def alerts(signs: Signs, rules: Rules) -> tuple[Alert, ...]:
    """
    Everything that is wrong, the gravest first.
    """
    beat_at, broken_until = signs.beat_at, signs.broken_until
    silent = beat_at is None or signs.now - beat_at > rules.silence_limit
    checks = (
        (AlertKind.SILENCE, silent, f"the last sweep was at {beat_at or 'no time ever'}"),
        (AlertKind.RESTORED, signs.in_doubt, f"{signs.in_doubt} payouts to be asked about"),
        (AlertKind.PAUSED, signs.paused_why, f"sending is paused: {signs.paused_why}"),
        (
            AlertKind.BREAKER,
            broken_until is not None and broken_until > signs.now,
            f"sending rests until {broken_until}",
        ),
        (AlertKind.OVERDUE, signs.overdue, f"{signs.overdue} payouts without a final state"),
        (AlertKind.STALE, signs.held, f"{signs.held} payouts wait to be let go or withdrawn"),
        (AlertKind.CASES, signs.open_cases, f"{signs.open_cases} cases are open"),
    )
    return tuple(Alert(kind, detail) for kind, stands, detail in checks if stands)

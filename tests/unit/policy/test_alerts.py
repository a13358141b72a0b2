"""
What someone is woken for.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.factories import NOON
from worker.payouts.health import Health
from worker.payouts.limits import Limits
from worker.payouts.policy.alerts import AlertKind, alerts

WELL = Health(
    now=NOON,
    swept_at=NOON,
    paused_why=None,
    broken_until=None,
    in_doubt=0,
    overdue=0,
    held=0,
    open_cases=0,
)


def test_nobody_is_woken_where_all_is_well() -> None:
    """
    No sign, no alert.
    """
    assert alerts(WELL, Limits()) == ()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"swept_at": None}, AlertKind.SILENCE),
        ({"swept_at": NOON - timedelta(minutes=6)}, AlertKind.SILENCE),
        ({"paused_why": "JD answered INVALID_SIGN"}, AlertKind.PAUSED),
        ({"broken_until": NOON + timedelta(seconds=1)}, AlertKind.BREAKER),
        ({"in_doubt": 3}, AlertKind.RESTORED),
        ({"others": 1}, AlertKind.OTHER_MERCHANT),
        ({"overdue": 1}, AlertKind.OVERDUE),
        ({"held": 1}, AlertKind.STALE),
        ({"open_cases": 1}, AlertKind.CASES),
    ],
)
def test_each_sign_has_its_alert(change: dict[str, object], kind: AlertKind) -> None:
    """
    Each thing that is wrong is told by itself.
    """
    assert [alert.kind for alert in alerts(replace(WELL, **change), Limits())] == [kind]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"swept_at": NOON - timedelta(minutes=5)},
        {"broken_until": NOON},  # the rest is over
    ],
)
def test_what_is_no_alert(change: dict[str, object]) -> None:
    """
    A sweep five minutes ago and a breaker that closed wake nobody.
    """
    assert alerts(replace(WELL, **change), Limits()) == ()  # type: ignore[arg-type]

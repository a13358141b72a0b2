"""
What someone is woken for, or told in the morning.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOON
from worker.payouts.health import (
    BrokerHealth,
    CertificateKind,
    Health,
    OtherMerchant,
    QueueHealth,
)
from worker.payouts.limits import Limits
from worker.payouts.pace import Pace
from worker.payouts.policy.alerts import RULES, AlertKind, Severity, alerts

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SEND = "payouts.send"

BROKER = BrokerHealth(now=NOON, queues={SEND: QueueHealth(0, timedelta(0))})
WELL = Health(
    now=NOON,
    swept_at=NOON,
    paused_why=None,
    broken_until=None,
    in_doubt=0,
    overdue=0,
    held=0,
    open_cases=0,
    host_at=NOON,
    broker=BROKER,
)

#: What may wait for the morning, by the words of the issue: a finance case alone wakes nobody.
TICKETS = {
    *("breaker", "backlog", "transaction", "clock", "expiring", "foreign", "rejected"),
    *("overdue", "stale", "cases", "long_queue", "proposals", "endpoint"),
}


def told(health: Health) -> list[AlertKind]:
    """
    The kinds of the alerts that stand by the default limits.
    """
    return [alert.kind for alert in alerts(health, Limits())]


def with_broker(**changes: Any) -> dict[str, object]:
    """
    A change of what the broker tells.
    """
    return {"broker": replace(BROKER, **changes)}


def test_nobody_is_woken_where_all_is_well() -> None:
    """
    No sign, no alert.
    """
    assert told(WELL) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"swept_at": None}, AlertKind.SILENCE),
        ({"swept_at": NOON - 5 * MINUTE - SECOND}, AlertKind.SILENCE),
        ({"broker": None}, AlertKind.BROKER),
        (with_broker(queues={SEND: QueueHealth(1, 5 * MINUTE + SECOND)}), AlertKind.UNREAD),
        (with_broker(misrouted=("payout.entry",)), AlertKind.MISROUTED),
        (with_broker(in_hand=1, taken_at=NOON - 30 * MINUTE - SECOND), AlertKind.IN_HAND),
        (with_broker(in_hand=1, lost=1), AlertKind.IN_HAND),
        (with_broker(starts={"sender@a": 5}), AlertKind.RESTARTS),
        ({"in_doubt": 3}, AlertKind.RESTORED),
        ({"paused_why": "JD answered INVALID_SIGN"}, AlertKind.PAUSED),
        ({"send_due_at": NOON - 6 * MINUTE}, AlertKind.LATE_SENDS),
        ({"send_due_at": NOON - HOUR, "sent_at": NOON - 6 * MINUTE}, AlertKind.LATE_SENDS),
        ({"query_due_at": NOON - 6 * MINUTE}, AlertKind.LATE_QUESTIONS),
        ({"query_due_at": NOON - HOUR, "asked_at": NOON - 6 * MINUTE}, AlertKind.LATE_QUESTIONS),
        ({"unapplied_at": NOON - 5 * MINUTE - SECOND}, AlertKind.LATE_EVIDENCE),
        ({"others": (OtherMerchant("360", 1, None),)}, AlertKind.OTHER_MERCHANT),
        ({"others": (OtherMerchant("360", 1, NOON - 6 * MINUTE),)}, AlertKind.OTHER_MERCHANT),
        ({"orphans": 1}, AlertKind.ORPHANS),
        ({"tampered": 1}, AlertKind.TAMPERED),
        ({"broken_until": NOON + SECOND}, AlertKind.BREAKER),
        ({"query_due_at": NOON - 2 * HOUR, "asked_at": NOON}, AlertKind.BACKLOG),
        ({"send_due_at": NOON - 2 * HOUR, "sent_at": NOON}, AlertKind.BACKLOG),
        ({"transaction_at": NOON - 10 * MINUTE - SECOND}, AlertKind.TRANSACTION),
        ({"host_at": NOON + 31 * SECOND, **with_broker(now=NOON + SECOND)}, AlertKind.CLOCK),
        ({"host_at": NOON - 31 * SECOND, **with_broker(now=NOON - SECOND)}, AlertKind.CLOCK),
        (with_broker(now=NOON + 31 * SECOND), AlertKind.CLOCK),
        ({"certificates": {CertificateKind.JD: NOON - DAY}}, AlertKind.EXPIRING),
        ({"certificates": {CertificateKind.MERCHANT: NOON + 30 * DAY}}, AlertKind.EXPIRING),
        ({"foreign": 1}, AlertKind.FOREIGN),
        ({"rejected": 1}, AlertKind.REJECTED),
        ({"overdue": 1}, AlertKind.OVERDUE),
        ({"held": 1}, AlertKind.STALE),
        ({"open_cases": 1}, AlertKind.CASES),
        ({"proposed_at": NOON - DAY - SECOND}, AlertKind.PROPOSALS),
        ({"unannounced_at": NOON - 5 * MINUTE - SECOND}, AlertKind.LATE_EVENTS),
        ({"undelivered_at": NOON - 30 * MINUTE - SECOND}, AlertKind.ENDPOINT),
        (
            with_broker(queues={SEND: QueueHealth(1000, SECOND, HOUR + SECOND)}),
            AlertKind.LONG_QUEUE,
        ),
    ],
)
def test_each_sign_has_its_alert(change: dict[str, Any], kind: AlertKind) -> None:
    """
    Each thing that is wrong is told by itself.
    """
    assert told(replace(WELL, **change)) == [kind]


@pytest.mark.parametrize(
    "change",
    [
        {"swept_at": NOON - 5 * MINUTE},
        {"broken_until": NOON},  # the rest is over
        with_broker(queues={SEND: QueueHealth(9, 5 * MINUTE)}),
        with_broker(queues={SEND: QueueHealth(9000, SECOND, HOUR)}),
        {"proposed_at": NOON - DAY},
        {"unannounced_at": NOON - 5 * MINUTE, "undelivered_at": NOON - 30 * MINUTE},
        with_broker(in_hand=200, taken_at=NOON - 30 * MINUTE),
        with_broker(starts={"sender@a": 4, "sender@b": 4}),  # two hosts, each of them four times
        # As long as the pace of ten a second lets them wait: something was sent just now.
        {"send_due_at": NOON - 59 * MINUTE, "sent_at": NOON - SECOND},
        {"query_due_at": NOON - 59 * MINUTE, "asked_at": NOON - SECOND},
        {"send_due_at": NOON - 5 * MINUTE},
        {"unapplied_at": NOON - 5 * MINUTE},
        # Another set of workers serves them.
        {"others": (OtherMerchant("360", 1000, NOON - 5 * MINUTE),)},
        {"transaction_at": NOON - 10 * MINUTE},
        {"host_at": NOON + 30 * SECOND},
        {"certificates": {CertificateKind.MERCHANT: NOON + 30 * DAY + SECOND}},
    ],
)
def test_what_is_no_alert(change: dict[str, Any]) -> None:
    """
    At its limit nothing is wrong yet, and work that gets on is not late.
    """
    assert told(replace(WELL, **change)) == []


def test_our_own_certificate_wakes_someone_before_it_ends_and_jds_does_not() -> None:
    """
    JD refuses ours at once; of its own it has used one for two years after its end.
    """
    both = dict.fromkeys(CertificateKind, NOON + 3 * DAY)

    assert told(replace(WELL, certificates=both)) == [AlertKind.EXPIRED, AlertKind.EXPIRING]
    assert told(replace(WELL, certificates={CertificateKind.JD: NOON - DAY})) == [
        AlertKind.EXPIRING
    ]


def test_a_slow_pace_is_not_late() -> None:
    """
    One an hour: the next one is due for longer than the limit, and goes out when its turn comes.
    """
    slow = replace(Limits(), send_pace=Pace(1, HOUR))
    waiting = replace(WELL, send_due_at=NOON - 30 * MINUTE, sent_at=NOON - 30 * MINUTE)

    assert alerts(waiting, slow) == ()


def test_each_kind_has_one_rule_with_a_severity_and_a_command() -> None:
    """
    The table holds each kind once; what is a matter for finance, or for daylight, wakes nobody.
    """
    assert sorted(rule.kind for rule in RULES) == sorted(AlertKind)
    assert {rule.kind for rule in RULES if rule.severity is Severity.TICKET} == TICKETS
    assert all(rule.command.startswith("payouts ") for rule in RULES)


def test_the_worst_comes_first() -> None:
    """
    What wakes someone stands above what does not.
    """
    severities = [rule.severity for rule in RULES]

    assert severities == sorted(severities)


def test_the_detail_says_what_and_since_when() -> None:
    """
    Whoever is woken reads it, and the next command, on a telephone.
    """
    queues = {SEND: QueueHealth(3, timedelta(minutes=7))}
    (alert,) = alerts(replace(WELL, broker=replace(BROKER, queues=queues)), Limits())

    assert alert.detail == "nobody takes messages from payouts.send: 3 wait, the first for 420 s"
    assert (alert.severity, alert.command) == (Severity.PAGE, "payouts doctor")


def test_times_are_told_as_people_read_them() -> None:
    """
    In UTC, to the second.
    """
    (alert,) = alerts(replace(WELL, swept_at=NOON - HOUR), Limits())

    assert alert.detail == f"the last sweep ended well at {NOON - HOUR:%Y-%m-%d %H:%M:%S}Z"

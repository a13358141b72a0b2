"""
What someone should be woken for, or told in the morning: a table of rules over plain facts.

A rule measures what gets on, never that a process runs. Whatever shows alerts takes them from here:
the command, the metrics and the log.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from worker.payouts.health import Health
from worker.payouts.limits import Limits
from worker.payouts.policy import symptoms


class Severity(enum.StrEnum):
    """
    Who is told, and when.
    """

    PAGE = "page"  #: wakes whoever is on call: money stands still, or may be lost from sight
    TICKET = "ticket"  #: waits for the morning


class AlertKind(enum.StrEnum):
    """
    What is wrong. `docs/alerts.md` says of each what it means and what to do.
    """

    SILENCE = "silence"
    BROKER = "broker"
    UNREAD = "unread"
    MISROUTED = "misrouted"
    IN_HAND = "in_hand"
    RESTARTS = "restarts"
    RESTORED = "restored"
    PAUSED = "paused"
    LATE_SENDS = "late_sends"
    LATE_QUESTIONS = "late_questions"
    LATE_EVIDENCE = "late_evidence"
    LATE_EVENTS = "late_events"
    OTHER_MERCHANT = "other_merchant"
    ORPHANS = "orphans"
    TAMPERED = "tampered"
    EXPIRED = "expired"
    BREAKER = "breaker"
    BACKLOG = "backlog"
    LONG_QUEUE = "long_queue"
    TRANSACTION = "transaction"
    CLOCK = "clock"
    EXPIRING = "expiring"
    FOREIGN = "foreign"
    REJECTED = "rejected"
    OVERDUE = "overdue"
    STALE = "stale"
    CASES = "cases"
    PROPOSALS = "proposals"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Alert:
    """
    One thing that is wrong, in words for the person on call, with the next command to type.
    """

    kind: AlertKind
    severity: Severity
    detail: str
    command: str


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What an alert is made from. `find` tells what is wrong; nothing where all is well.
    """

    kind: AlertKind
    severity: Severity
    command: str
    find: Callable[[Health, Limits], str]


def alerts(health: Health, limits: Limits) -> tuple[Alert, ...]:
    """
    Everything that is wrong, the worst first.
    """
    found = ((rule, rule.find(health, limits)) for rule in RULES)
    return tuple(Alert(r.kind, r.severity, detail, r.command) for r, detail in found if detail)


_PAGE, _TICKET = Severity

#: In the order in which they are told.
RULES = (
    Rule(AlertKind.SILENCE, _PAGE, "payouts doctor", symptoms.silence),
    Rule(AlertKind.BROKER, _PAGE, "payouts doctor", symptoms.broker),
    Rule(AlertKind.UNREAD, _PAGE, "payouts doctor", symptoms.unread),
    Rule(AlertKind.MISROUTED, _PAGE, "payouts metrics --once", symptoms.misrouted),
    Rule(AlertKind.IN_HAND, _PAGE, "payouts metrics --once", symptoms.in_hand),
    Rule(AlertKind.RESTARTS, _PAGE, "payouts doctor", symptoms.restarts),
    Rule(
        AlertKind.RESTORED,
        _PAGE,
        "payouts channel",
        symptoms.counted("in_doubt", "{} payouts to be asked about"),
    ),
    Rule(
        AlertKind.PAUSED,
        _PAGE,
        "payouts channel",
        symptoms.counted("paused_why", "sending is paused: {}"),
    ),
    Rule(AlertKind.LATE_SENDS, _PAGE, "payouts channel", symptoms.late_sends),
    Rule(AlertKind.LATE_QUESTIONS, _PAGE, "payouts doctor", symptoms.late_questions),
    Rule(AlertKind.LATE_EVIDENCE, _PAGE, "payouts audit", symptoms.late_evidence),
    Rule(AlertKind.LATE_EVENTS, _PAGE, "payouts relay --check", symptoms.late_events),
    Rule(AlertKind.OTHER_MERCHANT, _PAGE, "payouts list", symptoms.other_merchant),
    Rule(
        AlertKind.ORPHANS,
        _PAGE,
        "payouts cases",
        symptoms.counted("orphans", "JD told of {} numbers that are no payouts of ours"),
    ),
    Rule(
        AlertKind.TAMPERED,
        _PAGE,
        "payouts cases",
        symptoms.counted("tampered", "someone changed {} payouts in the database"),
    ),
    Rule(AlertKind.EXPIRED, _PAGE, "payouts doctor", symptoms.expired),
    Rule(AlertKind.BREAKER, _TICKET, "payouts channel", symptoms.breaker),
    Rule(AlertKind.BACKLOG, _TICKET, "payouts channel", symptoms.backlog),
    Rule(AlertKind.LONG_QUEUE, _TICKET, "payouts metrics --once", symptoms.long_queue),
    Rule(AlertKind.TRANSACTION, _TICKET, "payouts doctor", symptoms.transaction),
    Rule(AlertKind.CLOCK, _TICKET, "payouts doctor", symptoms.clock),
    Rule(AlertKind.EXPIRING, _TICKET, "payouts doctor", symptoms.expiring),
    Rule(
        AlertKind.FOREIGN,
        _TICKET,
        "payouts acknowledge",
        symptoms.counted(
            "foreign", "{} notifications named another merchant, and a number unknown here"
        ),
    ),
    Rule(
        AlertKind.REJECTED,
        _TICKET,
        "payouts rejections",
        symptoms.counted("rejected", "{} jobs were not accepted since someone last looked"),
    ),
    Rule(
        AlertKind.OVERDUE,
        _TICKET,
        "payouts list --status processing",
        symptoms.counted("overdue", "{} payouts without a final state"),
    ),
    Rule(
        AlertKind.STALE,
        _TICKET,
        "payouts list --status held",
        symptoms.counted("held", "{} payouts wait to be let go or withdrawn"),
    ),
    Rule(
        AlertKind.CASES,
        _TICKET,
        "payouts cases",
        symptoms.counted("open_cases", "{} cases are open"),
    ),
    Rule(AlertKind.PROPOSALS, _TICKET, "payouts proposals", symptoms.proposals),
    Rule(AlertKind.ENDPOINT, _TICKET, "payouts endpoints list", symptoms.endpoint),
)

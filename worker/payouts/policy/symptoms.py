"""
What can be wrong with the whole, each told from plain facts: in words, or not at all.

A symptom is that work does not get on, never that no process runs.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from worker.payouts.health import LONG, CertificateKind, Health
from worker.payouts.limits import Limits

#: A worker that is started so often within the quarter of an hour that the broker remembers does
#: not stay.
_STARTS_LIMIT = 5
#: So much of a key is told that someone else has named.
_LONGEST_NAME = 80
_CLOCK_TOLERANCE = timedelta(seconds=30)
#: A new certificate takes JD days.
_EXPIRING_WITHIN = timedelta(days=30)
_EXPIRED_WITHIN = timedelta(days=3)


def silence(health: Health, limits: Limits) -> str:
    """
    No sweep has ended well for too long.
    """
    since = health.swept_at
    if since is not None and health.now - since <= limits.silence_limit:
        return ""
    return f"the last sweep ended well at {_at(since)}" if since else "no sweep has ever ended well"


def broker(health: Health, _limits: Limits) -> str:
    """
    The broker cannot be asked.
    """
    return "the broker cannot be asked" if health.broker is None else ""


def unread(health: Health, limits: Limits) -> str:
    """
    A message waits for too long for its turn to be taken.
    """
    queues = health.broker.queues.items() if health.broker else ()
    return "; ".join(
        f"nobody takes messages from {name}: {queue.messages} wait, the first for"
        f" {_whole(queue.unread_for)}"
        for name, queue in queues
        if queue.unread_for > limits.late_limit
    )


def misrouted(health: Health, _limits: Limits) -> str:
    """
    Jobs lie under keys that no worker reads.
    """
    keys = health.broker.misrouted if health.broker else ()
    more = ", ..." if len(keys) > 3 else ""
    named = ", ".join(repr(key[:_LONGEST_NAME]) for key in keys[:3]) + more
    return f"messages lie where nobody reads: {named}" if keys else ""


def in_hand(health: Health, limits: Limits) -> str:
    """
    Messages were taken, and neither acknowledged nor given back.
    """
    broker = health.broker
    if broker is None:
        return ""
    taken_at = broker.taken_at
    if taken_at is not None and broker.now - taken_at > limits.in_hand_limit:
        return f"{broker.in_hand} messages are in hand, the first since {_at(taken_at)}"
    return f"{broker.lost} messages in hand can never come back" if broker.lost else ""


def restarts(health: Health, _limits: Limits) -> str:
    """
    A worker is started again and again.
    """
    starts = health.broker.starts.items() if health.broker else ()
    return "; ".join(
        f"{worker} has started {count} times in a quarter of an hour"
        for worker, count in starts
        if count >= _STARTS_LIMIT
    )


def other_merchant(health: Health, limits: Limits) -> str:
    """
    A merchant has unfinished payouts, and nobody sweeps for it.
    """
    left = [
        other
        for other in health.others
        if other.swept_at is None or health.now - other.swept_at > limits.silence_limit
    ]
    if not left:
        return ""
    unfinished, named = sum(o.unfinished for o in left), ", ".join(o.customer_no for o in left)
    return f"{unfinished} unfinished payouts are of {named}, for whom nobody sends or asks"


def late_sends(health: Health, limits: Limits) -> str:
    """
    Something is due to be sent, and nothing is.
    """
    due_at, patience = health.send_due_at, limits.late_limit + limits.send_pace.every
    if due_at is None or not _stands_still(health, due_at, health.sent_at, patience):
        return ""
    return f"payouts are due to be sent since {_at(due_at)}, and none was claimed"


def late_questions(health: Health, limits: Limits) -> str:
    """
    JD is to be asked something, and nothing is.
    """
    due_at, patience = health.query_due_at, limits.late_limit + limits.query_pace.every
    if due_at is None or not _stands_still(health, due_at, health.asked_at, patience):
        return ""
    return f"questions to JD are due since {_at(due_at)}, and none was asked"


def _stands_still(
    health: Health, due_at: datetime, done_at: datetime | None, patience: timedelta
) -> bool:
    """
    Whether nothing of its kind was done for so long, though something has been due.
    """
    return health.now - max(due_at, done_at or due_at) > patience


def late_evidence(health: Health, limits: Limits) -> str:
    """
    Evidence has been waiting to be applied for too long.
    """
    since = health.unapplied_at
    if since is None or health.now - since <= limits.late_limit:
        return ""
    return f"what JD said at {_at(since)} has not been applied"


def backlog(health: Health, limits: Limits) -> str:
    """
    Work gets on, and what is due is late by more than an hour.
    """
    due = [at for at in (health.send_due_at, health.query_due_at) if at is not None]
    if not due or health.now - min(due) <= limits.backlog_limit:
        return ""
    return (
        f"{health.sends_due} sends and {health.queries_due} questions are due, the first since"
        f" {_at(min(due))}"
    )


def long_queue(health: Health, limits: Limits) -> str:
    """
    Messages come in faster than they are taken, and have for long.
    """
    queues = health.broker.queues.items() if health.broker else ()
    return "; ".join(
        f"{queue.messages} messages wait in {name}, and never fewer than {LONG} for"
        f" {_whole(queue.long_for)}"
        for name, queue in queues
        if queue.long_for > limits.backlog_limit
    )


def late_events(health: Health, limits: Limits) -> str:
    """
    No relay announces what happened, though somebody wants to hear it.
    """
    since = health.unannounced_at
    if since is None or health.now - since <= limits.late_limit:
        return ""
    return f"what happened at {_at(since)} has not been told to anybody: no relay gets on"


def endpoint(health: Health, limits: Limits) -> str:
    """
    An endpoint does not take what it is told.
    """
    since = health.undelivered_at
    if since is None or health.now - since <= limits.endpoint_limit:
        return ""
    return f"{health.undelivered_to} has not taken an event of {_at(since)}"


def proposals(health: Health, limits: Limits) -> str:
    """
    What one person proposed waits for another for too long.
    """
    since = health.proposed_at
    if since is None or health.now - since <= limits.approval_limit:
        return ""
    return f"a proposal of {_at(since)} waits for another person's approval"


def breaker(health: Health, _limits: Limits) -> str:
    """
    The circuit breaker is open.
    """
    until = health.broken_until
    return f"sending rests until {_at(until)}" if until is not None and until > health.now else ""


def transaction(health: Health, limits: Limits) -> str:
    """
    Somebody keeps a transaction open.
    """
    since = health.transaction_at
    if since is None or health.now - since <= limits.transaction_limit:
        return ""
    return f"a transaction is open in the database since {_at(since)}"


def clock(health: Health, _limits: Limits) -> str:
    """
    The clocks differ.
    """
    if health.host_at is None:
        return ""
    clocks = [("the database's", health.now)]
    if health.broker is not None:
        clocks.append(("the broker's", health.broker.now))
    return "; ".join(
        f"{whose} clock says {_at(at)}, this host's {_at(health.host_at)}"
        for whose, at in clocks
        if abs(at - health.host_at) > _CLOCK_TOLERANCE
    )


def expired(health: Health, _limits: Limits) -> str:
    """
    Our own certificate has ended, or is about to. JD refuses it then.
    """
    ends = health.certificates.get(CertificateKind.MERCHANT)
    if ends is None or ends - health.now > _EXPIRED_WITHIN:
        return ""
    return f"the merchant's certificate is valid until {_at(ends)}"


def expiring(health: Health, _limits: Limits) -> str:
    """
    A certificate is to be replaced soon. JD has used one of its own for years after its end.
    """
    return "; ".join(
        f"the {kind} certificate is valid until {_at(ends)}"
        for kind, ends in sorted(health.certificates.items())
        if ends - health.now <= _EXPIRING_WITHIN
    )


def counted(fact: str, says: str) -> Callable[[Health, Limits], str]:
    """
    A rule that finds something wrong where a figure is not zero, or a text not empty.
    """

    def find(health: Health, _limits: Limits) -> str:
        value = getattr(health, fact)
        return says.format(value) if value else ""

    return find


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


def _whole(time: timedelta) -> str:
    return f"{time.total_seconds():.0f} s"

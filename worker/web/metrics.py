"""
How the whole is, as Prometheus reads it: asked for anew at each scrape.

So it is right with any number of processes, and no process of the service has to be reached for it.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from worker.payouts.errors import PayoutError
from worker.payouts.health import LONG, BrokerHealth, Health
from worker.payouts.policy.alerts import RULES
from worker.usecases.monitor import Seen

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("jdpay_payouts.metrics")


def build(look: Callable[[], Seen]) -> "WSGIApplication":
    """
    The web app that answers `/metrics`: 503 while the database cannot be asked.
    """
    one_at_a_time = threading.Lock()

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/metrics":
            return _answer(start_response, "404 Not Found", b"/metrics is here\n")
        try:
            with one_at_a_time:
                told = page(look())
        except PayoutError as fault:
            log.warning("not known how the service is: %s", type(fault).__name__)
            return _answer(start_response, "503 Service Unavailable", b"the database is away\n")
        return _answer(start_response, "200 OK", told)

    return answer


def page(seen: Seen) -> bytes:
    """
    The facts and the alerts of one look.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gauges(seen))
    return generate_latest(registry)


def _answer(start_response: "StartResponse", status: str, body: bytes) -> Iterable[bytes]:
    start_response(
        status, [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4), ("Content-Length", str(len(body)))]
    )
    return [body]


class _Gauges(Collector):
    """
    One look as gauges. Their names are `payouts_...`, times are seconds.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """
        Each figure; one that nobody knows is left out.
        """
        current = {alert.kind for alert in self._seen.alerts}
        alert = GaugeMetricFamily(
            "payouts_alert", "1 while the alert stands.", labels=("kind", "severity")
        )
        for rule in RULES:
            alert.add_metric((rule.kind, rule.severity), float(rule.kind in current))
        yield alert
        yield from _of_database(self._seen.health)
        if self._seen.health.broker is not None:
            yield from _of_broker(self._seen.health.broker, self._seen.health)


def _of_database(health: Health) -> Iterator[GaugeMetricFamily]:
    moments = {
        "last_sweep": ("The last sweep that ended well.", health.swept_at),
        "last_send": ("The last payout claimed to be sent.", health.sent_at),
        "last_question": ("The last question claimed to be asked.", health.asked_at),
    }
    for name, (says, at) in moments.items():
        if at is not None:
            yield _gauge(f"{name}_timestamp_seconds", says, at.timestamp())
    ages = {
        "oldest_due_send": ("How long the oldest unhindered send is due.", health.send_due_at),
        "oldest_due_question": ("How long the oldest question is due.", health.query_due_at),
        "oldest_unapplied_evidence": ("How long evidence waits.", health.unapplied_at),
        "oldest_unannounced_event": ("How long it waits for a relay.", health.unannounced_at),
        "oldest_undelivered_event": ("How long it waits for an endpoint.", health.undelivered_at),
        "oldest_proposal": ("How long it waits for another person.", health.proposed_at),
        "oldest_transaction": ("How long a transaction is open.", health.transaction_at),
    }
    for name, (says, since) in ages.items():
        yield _gauge(f"{name}_seconds", says, _age(since, health.now))
    figures = {
        "paused": ("1 while sending is paused.", bool(health.paused_why)),
        "sends_due": ("Payouts due to be sent, stopped or not.", health.sends_due),
        "questions_due": ("Payouts due to be asked about.", health.queries_due),
        "in_doubt": ("Payouts in doubt after a restore.", health.in_doubt),
        "overdue": ("Payouts without a final state for too long.", health.overdue),
        "held": ("Payouts that a control holds.", health.held),
        "open_cases": ("Cases that wait for a person.", health.open_cases),
        "orphans": ("Notifications about numbers that are unknown.", health.orphans),
        "tampered": ("Payouts that someone changed in the database.", health.tampered),
        "foreign_notifications": ("Those that named another merchant.", health.foreign),
        "rejections": ("Jobs rejected since someone looked; at most 1000.", health.rejected),
        "others_unfinished": (
            "Unfinished payouts of other merchants; at most 1000 of each.",
            sum(other.unfinished for other in health.others),
        ),
    }
    for name, (says, figure) in figures.items():
        yield _gauge(name, says, figure)
    ends = _gauge("certificate_expires_timestamp_seconds", "Its last moment.", label="certificate")
    for kind, until in health.certificates.items():
        ends.add_metric((kind,), until.timestamp())
    yield ends
    if (noted := health.checkpoint) is not None:
        yield _gauge("checkpoint_number", "Of the last one.", noted.number)
        yield _gauge("checkpoint_timestamp_seconds", "When it was.", noted.at.timestamp())
        # So many digits are a whole number in any program that reads it.
        begins = int(noted.digest[:12], 16)
        yield _gauge("checkpoint_digest", "Its digest's first 12 digits, as a number.", begins)
    if health.host_at is not None:
        skew = (health.now - health.host_at).total_seconds()
        yield _gauge("database_clock_seconds", "How far it is ahead of this host's.", skew)


def _of_broker(broker: BrokerHealth, health: Health) -> Iterator[GaugeMetricFamily]:
    messages = _gauge("queue_messages", "Messages that wait.", label="queue")
    unread = _gauge("queue_unread_seconds", "How long the next one has waited.", label="queue")
    long = _gauge("queue_long_seconds", f"How long it has held {LONG} or more.", label="queue")
    for name, queue in broker.queues.items():
        long.add_metric((name,), queue.long_for.total_seconds())
        messages.add_metric((name,), queue.messages)
        unread.add_metric((name,), queue.unread_for.total_seconds())
    yield from (messages, unread, long)
    starts = _gauge("worker_starts", "Starts in a quarter of an hour.", label="worker")
    for worker, count in broker.starts.items():
        starts.add_metric((worker,), count)
    yield starts
    yield _gauge("messages_in_hand", "Taken and not acknowledged.", broker.in_hand)
    oldest = _age(broker.taken_at, broker.now)
    yield _gauge("oldest_message_in_hand_seconds", "Since it was taken.", oldest)
    yield _gauge("messages_lost_in_hand", "Those that cannot come back.", broker.lost)
    yield _gauge("misrouted_keys", "Keys with messages that nobody reads.", len(broker.misrouted))
    if (noted := health.checkpoint) is not None:
        yield _gauge("checkpoint_number", "Of the last one.", noted.number)
        yield _gauge("checkpoint_timestamp_seconds", "When it was.", noted.at.timestamp())
        # So many digits are a whole number in any program that reads it.
        begins = int(noted.digest[:12], 16)
        yield _gauge("checkpoint_digest", "Its digest's first 12 digits, as a number.", begins)
    if health.host_at is not None:
        skew = (broker.now - health.host_at).total_seconds()
        yield _gauge("broker_clock_seconds", "How far it is ahead of this host's.", skew)


def _gauge(
    name: str, says: str, value: float | None = None, label: str | None = None
) -> GaugeMetricFamily:
    labels = None if label is None else (label,)
    return GaugeMetricFamily(f"payouts_{name}", says, value=value, labels=labels)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())

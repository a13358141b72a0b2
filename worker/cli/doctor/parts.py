"""
Whether the parts are there and get on, by what is done and what is late: never by what runs.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from worker import monitoring
from worker.broker.names import QueueName
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.payouts.errors import PayoutError
from worker.payouts.health import Health
from worker.payouts.limits import Limits
from worker.payouts.policy import symptoms
from worker.settings import MonitorSettings, Settings

#: A person is waiting.
_PATIENCE_S = 5.0

#: Which part takes messages from each queue.
_TAKES = {
    QueueName.ENTRY: "worker",
    QueueName.SWEEP: "worker",
    QueueName.SEND: "sender",
    QueueName.QUERY: "querier",
}
_START = "start it as the Procfile does, and look at its log"


def parts() -> Iterator[Finding]:
    """
    Beat, worker, sender, querier and receiver get on.

    Where nothing ever swept and nothing is late, nothing was started yet.
    """
    settings = MonitorSettings.load()
    try:
        health = monitoring.monitor().look().health
    except PayoutError:
        yield warning("not looked at: the database cannot be used", "see the database's findings")
        return
    found = [*_faults(health, settings.limits)]
    if not found and health.swept_at is None:
        yield ok(
            "nothing was ever started on this database",
            "start beat, worker, sender, querier and receiver as the Procfile does",
        )
        return
    yield from found
    if not found:
        yield from _well(health)
    yield _receiver(Settings.load().notify_url)


def _faults(health: Health, limits: Limits) -> Iterator[Finding]:
    if health.swept_at is not None and (told := symptoms.silence(health, limits)):
        yield fault(told, f"beat or worker is missing, or every sweep fails: {_START}")
    if told := symptoms.late_sends(health, limits):
        yield fault(told, f"the sender is missing, or every claim fails: {_START}")
    if told := symptoms.late_questions(health, limits):
        yield fault(told, f"the querier is missing, or every question fails: {_START}")
    for name, queue in health.broker.queues.items() if health.broker else ():
        if queue.unread_for > limits.late_limit:
            part = _TAKES[QueueName(name)]
            waits = f"{queue.messages} wait, the first for {_seconds(queue.unread_for)}"
            yield fault(f"nobody takes messages from {name}: {waits}", f"no {part}: {_START}")
    if told := symptoms.late_evidence(health, limits):
        yield fault(told, f"worker or receiver cannot apply it: {_START}")
    if told := symptoms.restarts(health, limits):
        yield warning(told, "its log says why it does not stay")


def _well(health: Health) -> Iterator[Finding]:
    assert health.swept_at is not None
    swept = _seconds(health.now - health.swept_at)
    yield ok(f"beat and worker: the last sweep ended well {swept} ago")
    yield ok(f"sender: no payout that may be sent is late, {health.sends_due} are due")
    yield ok(f"querier: no question is late, {health.queries_due} are due")


def _receiver(notify_url: str) -> Finding:
    """
    What answers where JD is to send its notifications, as far as this host can reach it.
    """
    url = urlsplit(notify_url)
    address = f"{url.scheme}://{url.netloc}/health"
    lost = "until then JD's notifications are lost, and ends are learnt by asking"
    # No proxy: its answer would tell nothing of the receiver.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_PATIENCE_S) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        with error:
            told = error.read(200).decode(errors="replace").strip()
        if error.code == 503:
            return fault(f"the receiver at {address} cannot work: {told}", _START)
        return ok(
            f"something answers at {url.netloc}, and shows no /health ({error.code})",
            "make sure that it passes notifications on to the receiver",
        )
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        return warning(
            f"no receiver answers this host at {address}: {cause}",
            f"start it, or make sure that JD can reach it; {lost}",
        )
    return ok(f"receiver: {address} says that it works")


def _seconds(time: timedelta) -> str:
    return f"{max(0.0, time.total_seconds()):.0f} s"

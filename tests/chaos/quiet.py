"""
``python -m tests.chaos.quiet --minutes 60``: steady load, no faults, and nobody is told anything.

The whole product works as it is deployed, with its default settings, on honest payouts. Each few
seconds the metrics are scraped as Prometheus would. Exit 0 if no scrape failed or told of an alert,
no process logged one, and every promise held; 1 if not.
"""

import contextlib
import itertools
import json
import secrets
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import click
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.conftest import open_ledger
from tests.chaos.audit import audit, unfinished
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.demo.stack import Stack, running
from worker.demo.story import Actor, job, note
from worker.embedded.broker import free_port
from worker.payouts.limits import Limits
from worker.sandbox.debts import Job
from worker.sandbox.scenarios import SCENARIOS
from worker.usecases.ports import Ledger

#: What an honest JD does to honest jobs: paid at once or later, closed, refused, sent back; with
#: notifications that come twice, in any order, or never.
_HONEST = frozenset(
    {
        *("paid_at_once", "paid_later", "closed_later", "refused_card", "returned_notified"),
        *("no_notifications", "duplicated_notifications", "reordered_notifications"),
    }
)

#: For so long a first sweep, and all payouts at the end, are waited for.
_PATIENCE = 180.0


#: How often Prometheus would scrape.
_LOOK_SECONDS = 5.0
_PROGRESS_SECONDS = 60.0


class Watch:
    """
    Scrapes an address every few seconds, from another thread, and remembers what was wrong.
    """

    def __init__(self, url: str) -> None:
        self.looks = 0
        #: Each alert, and each way in which a scrape failed, with how often it did.
        self.told: Counter[str] = Counter()
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.told.update(wrong(self._url))
            self.looks += 1
            if self._over.wait(_LOOK_SECONDS):
                return


def wrong(url: str) -> Sequence[str]:
    """
    What one scrape tells that is wrong.
    """
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:
            page = reply.read().decode()
    except OSError as error:
        return [f"a scrape failed: {error}"]
    families = text_string_to_metric_families(page)
    samples = [s for family in families for s in family.samples if s.name == "payouts_alert"]
    if not samples:
        return ["a scrape told of no alert, whether or not it stands"]
    return [f"alert {s.labels['kind']} ({s.labels['severity']})" for s in samples if s.value]


@dataclass(frozen=True, slots=True)
class Quiet:
    """
    What became of a time of steady load.
    """

    jobs: int
    looks: int
    breaches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """
    A stack that has begun to work, with the process that tells how it is.
    """

    stack: Stack
    ledger: Ledger
    metrics: str
    #: What it was sent so far.
    jobs: list[Job] = field(default_factory=list)

    def load(self, seconds: float, per_second: float, tell: Callable[[str], None]) -> Quiet:
        """
        Send jobs at a steady rate for so long, watch all along, and check what became of them.
        """
        with Watch(self.metrics) as watch:
            self._send(seconds, per_second, lambda: tell(self._progress(watch)))
            tell(f"{self._progress(watch)}; waiting for everything to come to rest")
            with contextlib.suppress(AssertionError):  # the audit names what is left
                until(self._is_at_rest, _PATIENCE, every=1.0)
        told = [f"{what}, at {times} of {watch.looks} looks" for what, times in watch.told.items()]
        found = audit(self.ledger, self.stack.books(), Limits(), self.jobs)
        return Quiet(len(self.jobs), watch.looks, (*told, *self._logged(), *found.breaches))

    def _send(self, seconds: float, per_second: float, tell: Callable[[], None]) -> None:
        begun = told_at = time.monotonic()
        prefix = f"QUIET{secrets.token_hex(3).upper()}N"
        honest = itertools.cycle([s for s in SCENARIOS if s.name in _HONEST])
        with Celery("producer", broker=self.stack.broker.url, set_as_current=False) as producer:
            for place in range(int(seconds * per_second)):
                time.sleep(max(0.0, begun + place / per_second - time.monotonic()))
                self.stack.check()
                scenario = next(honest)
                actor = Actor(f"{prefix}{place:06}", scenario, scenario.ends.normal)
                wanted = job(actor, 10_000 + place)
                self.jobs.append(note(wanted))
                name, queue = TaskName.ENQUEUE.value, QueueName.ENTRY.value
                producer.send_task(name, kwargs={"job": wanted}, queue=queue)
                if time.monotonic() - told_at > _PROGRESS_SECONDS:
                    told_at = time.monotonic()
                    tell()

    def _is_at_rest(self) -> bool:
        return not unfinished(self.ledger, self.stack.books(), self.jobs)

    def _progress(self, watch: Watch) -> str:
        return f"{len(self.jobs)} jobs, {watch.looks} looks, told of: {[*watch.told] or 'nothing'}"

    def _logged(self) -> Iterator[str]:
        """
        The alerts that any process has logged.
        """
        for log in sorted(self.stack.directory.glob("*.log")):
            for line in log.read_text(encoding="utf-8").splitlines():
                if line.startswith("{") and json.loads(line).get("action") == "alert_begins":
                    yield f"{log.stem} logged: {json.loads(line)['detail']}"


@contextlib.contextmanager
def service(
    directory: Path, database: str, settings: Mapping[str, str], sandbox: tuple[str, ...]
) -> Iterator[Service]:
    """
    Run everything below `directory` with these settings, once a first sweep has ended well.
    """
    with (
        running(directory, database=database, settings=settings, sandbox=sandbox) as stack,
        contextlib.closing(open_ledger(stack)) as ledger,
    ):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        until(lambda: ledger.health(merchant).swept_at is not None, _PATIENCE)
        port = free_port()
        stack.start("metrics", "worker", "metrics", "--port", str(port))
        metrics = f"http://127.0.0.1:{port}/metrics"
        until(lambda: not wrong(metrics), _PATIENCE)
        yield Service(stack, ledger, metrics)


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long there is load.")
@click.option("--rate", default=2.0, show_default=True, help="Jobs a second.")
@click.option(
    "--database",
    type=click.Choice(["postgres", "sqlite"]),
    default="postgres",
    show_default=True,
)
def main(*, minutes: float, rate: float, database: str) -> None:
    """
    Work under steady load without faults, and say whether anybody would have been told anything.
    """
    with (
        tempfile.TemporaryDirectory(prefix="payouts-quiet-") as folder,
        service(Path(folder), database, settings={}, sandbox=()) as found,
    ):
        became = found.load(minutes * 60, rate, click.echo)
    click.echo(f"{became.jobs} jobs, {became.looks} looks, {len(became.breaches)} breaches")
    for breach in became.breaches:
        click.echo(breach)
    sys.exit(1 if became.breaches else 0)


if __name__ == "__main__":
    main()

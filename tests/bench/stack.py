"""
The product as it runs in production: the processes of a checkout's Procfile, on servers of ours.
"""

import contextlib
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from tests.bench import product
from tests.bench.checkout import Checkout
from tests.bench.errors import CannotMeasure
from tests.bench.gateway import Gateway
from tests.bench.producer import send
from tests.bench.product import Broker, Child, free_port
from tests.waiting import until

#: Prefork children of the unsafe task, and of versions whose worker has any; where those also send
#: and ask, requests in flight.
CONCURRENCY = 4

#: What takes messages, in one version or another.
CONSUMERS = ("worker", "sender", "querier")

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.02
#: So often where a look costs more than knowing it late.
_SELDOM_SECONDS = 0.5
#: Without a payout getting on for so long, a run is given up.
_PATIENCE_SECONDS = 60.0

#: What counts the payouts that are done.
Count = Callable[[sa.Connection], int]


@dataclass(frozen=True, slots=True)
class Stack:
    """
    A running stack.
    """

    checkout: Checkout
    children: Mapping[str, Child]
    broker: Broker
    engine: sa.Engine
    #: The settings of its processes.
    environment: Mapping[str, str]
    #: All that were ever enqueued.
    jobs: list[product.Job] = field(default_factory=list)

    def enqueue(self, payouts: int, account_no: str, seconds: float = 0.0) -> Sequence[product.Job]:
        """
        Send the messages of so many payouts, at random times within so many seconds.

        Returns the jobs, and waits for nothing else.
        """
        run = f"BENCH{secrets.token_hex(5).upper()}"
        jobs = [product.job(f"{run}{place:06}", account_no) for place in range(payouts)]
        self.jobs.extend(jobs)
        messages = [{"job": job} for job in jobs]
        send(self.broker.url, product.ENTRY_TASK, messages, product.ENTRY_QUEUE, seconds)
        return jobs

    def pay(self, payouts: int, account_no: str, count: Count = product.final_count) -> float:
        """
        Enqueue so many payouts; return the seconds until `count` has risen by as many.

        Raises `CannotMeasure`. On PostgreSQL it looks on in one transaction, which it rolls back.
        """
        with self._looking() as look:
            before = look(count)
            start = time.monotonic()
            self.enqueue(payouts, account_no)
            self._wait(lambda: look(count), before + payouts, _LOOK_SECONDS)
            return time.monotonic() - start

    def wait(self, count: Count, wanted: int) -> None:
        """
        Wait until `count` says so many. Raises `CannotMeasure`.
        """
        with self._looking() as look:
            self._wait(lambda: look(count), wanted, _SELDOM_SECONDS)

    def _wait(self, count: Callable[[], int], wanted: int, every: float) -> None:
        most, progress = count(), time.monotonic()
        while (done := count()) < wanted:
            time.sleep(every)
            now = time.monotonic()
            if done > most:
                most, progress = done, now
            elif now - progress > _PATIENCE_SECONDS:
                tail = self.children["worker"].tail(30)
                raise CannotMeasure(f"{wanted - done} of {wanted} did not come about:\n{tail}")

    def rest(self) -> None:
        """
        Wait until nothing is under way.
        """
        with self._looking() as look:
            until(lambda: look(product.unrested_count) == 0, _PATIENCE_SECONDS)

    @contextlib.contextmanager
    def _looking(self) -> Iterator[Callable[[Count], int]]:
        with self.engine.connect() as connection:
            is_sqlite = connection.dialect.name == "sqlite"

            def look(count: Count) -> int:
                found = count(connection)
                if is_sqlite:  # there, a transaction goes on seeing what it saw first
                    connection.rollback()
                return found

            yield look


@contextlib.contextmanager
def running(
    checkout: Checkout,
    directory: Path,
    database_url: str,
    gateway: Gateway,
    *,
    settings: Mapping[str, str] | None = None,
    outside: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """
    Run a checkout's worker, beat and receiver on an empty database until left, warmed up.

    `outside` is further environment that is no setting.
    """
    directory.mkdir(parents=True)
    with contextlib.ExitStack() as parts:
        broker = parts.enter_context(Broker(directory / "broker"))
        port = free_port()
        environment = {
            **checkout.environment(),
            **(outside or {}),
            "TMPDIR": str(directory),
            "PORT": str(port),
            **gateway.settings,
            "PAYOUTS_BROKER_URL": broker.url,
            "PAYOUTS_DATABASE_URL": database_url,
            "PAYOUTS_KEYRING": product.new_key(),
            "PAYOUTS_NOTIFY_URL": f"http://127.0.0.1:{port}/jdpay/notify",
            # What is measured is how fast it can be, not how fast it is told to be.
            "PAYOUTS_SEND_PACE": "100000/s",
            "PAYOUTS_QUERY_PACE": "100000/s",
            **(settings or {}),
        }
        migrate(checkout, environment)
        children: dict[str, Child] = {}
        for name in sorted(checkout.processes & {"web", *CONSUMERS, "beat"}):
            has_children = name == "worker" and not checkout.has_threads(name)
            options = ("--concurrency", str(CONCURRENCY)) if has_children else ()
            child = Child(
                checkout.process(name, *options),
                log=directory / f"{name}.log",
                env=environment,
                cwd=checkout.path,
            )
            # Killed at the end: what an orderly end takes its time for is of no use to anybody.
            parts.callback(child.kill)
            children[name] = child
        engine = watching(database_url)
        parts.callback(engine.dispose)
        until(lambda: _answers(f"http://127.0.0.1:{port}/health"), _START_SECONDS)
        stack = Stack(checkout, children, broker, engine, environment)
        stack.pay(3 * CONCURRENCY, product.PAID_AT_ONCE)
        yield stack


def migrate(checkout: Checkout, environment: Mapping[str, str]) -> None:
    """
    Make the tables of a checkout.
    """
    command = [str(checkout.program("payouts")), "migrate"]
    subprocess.run(command, env=environment, capture_output=True, check=True)


def watching(database_url: str) -> sa.Engine:
    """
    An engine to look on with, which PostgreSQL's log can tell from the product's.
    """
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return sa.create_engine(url)
    return sa.create_engine(url, connect_args={"application_name": "bench"})


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), opener.open(url, timeout=2) as response:
        return bool(response.status == 200)
    return False

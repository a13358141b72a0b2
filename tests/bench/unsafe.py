"""
Runs the unsafe task and the bare loop, for others to be measured beside.
"""

import contextlib
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import product
from tests.bench.checkout import HERE, THIS
from tests.bench.errors import CannotMeasure
from tests.bench.gateway import Gateway
from tests.bench.producer import send
from tests.bench.product import Broker, Child
from tests.bench.stack import CONCURRENCY

_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0

#: The module, the name of its task, and the queue that Celery takes by default.
_MODULE, _TASK, _QUEUE = "tests.bench.unsafe_task", "unsafe.pay", "celery"


@dataclass(frozen=True, slots=True)
class Loop:
    """
    What a bare loop took, in seconds: on the clock, and of its own CPU time.
    """

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Unsafe:
    """
    The unsafe task's worker.
    """

    broker: Broker
    worker: Child
    marks: Path
    environment: Mapping[str, str]

    def send(self, payouts: int) -> None:
        """
        Send so many messages, and wait for nothing.
        """
        messages = [{"out_trade_no": number} for number in _numbers(payouts)]
        send(self.broker.url, _TASK, messages, _QUEUE)

    def pay(self, payouts: int) -> float:
        """
        Send so many messages; return the seconds until as many requests were answered.

        Raises `CannotMeasure`.
        """
        before = done = self._done()
        start = progress = time.monotonic()
        self.send(payouts)
        while done < before + payouts:
            time.sleep(_LOOK_SECONDS)
            found, now = self._done(), time.monotonic()
            if found > done:
                done, progress = found, now
            elif now - progress > _PATIENCE_SECONDS:
                tail = self.worker.tail(30)
                raise CannotMeasure(f"{done - before} of {payouts} were answered:\n{tail}")
        return time.monotonic() - start

    def pay_bare(self, payouts: int) -> Loop:
        """
        Pay so many in a loop in one process, without Celery. Raises `CannotMeasure`.
        """
        done = subprocess.run(
            [THIS.program("python"), "-m", "tests.bench.bare_loop"],
            input="\n".join(_numbers(payouts + 1)),
            env=self.environment,
            cwd=HERE,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CannotMeasure(f"the bare loop failed:\n{done.stderr}")
        return Loop(*map(float, done.stdout.split()))

    def _done(self) -> int:
        return self.marks.stat().st_size


@contextlib.contextmanager
def running(directory: Path, gateway: Gateway) -> Iterator[Unsafe]:
    """
    Run the unsafe task's worker until left, warmed up.
    """
    with starting(directory, gateway) as unsafe:
        unsafe.pay(3 * CONCURRENCY)
        yield unsafe


@contextlib.contextmanager
def starting(
    directory: Path, gateway: Gateway, pool: str = "prefork", concurrency: int = CONCURRENCY
) -> Iterator[Unsafe]:
    """
    Start the unsafe task's worker with so large a pool; end it when left.
    """
    directory.mkdir(parents=True)
    marks = directory / "marks"
    marks.touch()
    with Broker(directory / "broker") as broker:
        environment = {
            **THIS.environment(),
            **gateway.settings,
            "BENCH_BROKER_URL": broker.url,
            "BENCH_MARKS": str(marks),
            # Never used: settings are read as a whole.
            "PAYOUTS_BROKER_URL": broker.url,
            "PAYOUTS_DATABASE_URL": "sqlite://",
            "PAYOUTS_KEYRING": product.new_key(),
            # Nobody listens there.
            "PAYOUTS_NOTIFY_URL": f"http://127.0.0.1:{product.free_port()}/notify",
        }
        command = [str(THIS.program("celery")), "-A", _MODULE, "worker"]
        quiet = ("--without-gossip", "--without-mingle", "--pool", pool)
        worker = Child(
            [*command, *quiet, "--concurrency", str(concurrency)],
            log=directory / "worker.log",
            env=environment,
            cwd=HERE,
        )
        with worker:
            yield Unsafe(broker, worker, marks, environment)


def _numbers(payouts: int) -> list[str]:
    run = f"BARE{secrets.token_hex(5).upper()}"
    return [f"{run}{place:06}" for place in range(payouts)]

"""
What `payouts audit` takes for a payout, in time and in memory.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.bench import fill, gateway, product, stack
from tests.bench.checkout import THIS
from tests.bench.errors import CannotMeasure
from tests.bench.figures import Result, Samples
from tests.bench.product import Postgres
from tests.bench.wanted import Wanted

_REAL = 8
_MESSAGES = sa.text("SELECT count(*) FROM evidence")


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Audit a few real payouts, and then as many copies of them as are wanted.
    """
    samples = Samples()
    for database in wanted.databases:
        folder = directory / database
        folder.mkdir()
        with contextlib.ExitStack() as parts:
            url = f"sqlite:///{folder}/stack/payouts.sqlite"
            if database == "postgres":
                server = parts.enter_context(Postgres(folder / "postgres"))
                url = server.create_database("audited")
            near = parts.enter_context(gateway.running(folder))
            settings = {"PAYOUTS_SWEEP_EVERY": "0.5s"}
            with stack.running(THIS, folder / "stack", url, near, settings=settings) as running:
                running.pay(_REAL, product.PAID_LATER, product.confirmed_count)
                running.rest()
                environment = running.environment
            engine = stack.watching(url)
            parts.callback(engine.dispose)
            first = [_run(environment) for _ in range(wanted.rounds)]
            few, few_cpu = min(run.seconds for run in first), min(run.cpu for run in first)
            key = environment["PAYOUTS_KEYRING"]
            for rows in wanted.audited:
                with engine.begin() as connection:
                    known = fill.count(connection)
                    copied = fill.copy_stories(connection, max(1, rows // known - 1))
                    many = fill.count(connection)
                    messages = connection.execute(_MESSAGES).scalar_one()
                with product.open_ledger(url, key) as ledger:
                    ledger.seal_copies(copied)
                fill.analyse(engine)
                for _ in range(wanted.rounds):
                    plain = _run(environment)
                    passed_over = _run(environment, "--since", "1s")
                    anew = _run(environment, "--evidence", may_differ=True)
                    at = f"{database}, {many:,} payouts"
                    each = {
                        "audit": plain.seconds - few,
                        "audit, its own CPU time": plain.cpu - few_cpu,
                        "passed over by --since": passed_over.seconds - few,
                    }
                    for what, seconds in each.items():
                        took = max(0.0, seconds) * 1000 / many
                        samples.add(f"{at}: {what}", "ms per payout", took)
                    read = max(0.0, anew.seconds - plain.seconds) * 1000 / messages
                    samples.add(f"{at}: --evidence besides", "ms per message", read)
                    samples.add(f"{at}: peak resident memory", "MB", plain.peak)
    return Result(
        name="audit",
        what=(
            "`payouts audit` of real payouts and copies of them; what it takes for the few real"
            " ones alone is taken off the time. Memory is the process's peak. A copy has another"
            " number than the text of its messages, so `--evidence` tells of each."
        ),
        conditions={"real payouts": _REAL, "messages each": 3, "rounds": wanted.rounds},
        figures=samples.figures(),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """
    What one audit took, in seconds and in MB.
    """

    seconds: float
    cpu: float
    peak: float


def _run(environment: Mapping[str, str], *options: str, may_differ: bool = False) -> _Run:
    """
    One audit. Raises `CannotMeasure` if it finds a breach, unless copies may differ from texts.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        [THIS.program("payouts"), "audit", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 and not (may_differ and "otherwise than its text" in told):
        raise CannotMeasure(f"`payouts audit` ended with {process.returncode}:\n{told[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return _Run(time.perf_counter() - start, cpu, usage.ru_maxrss / 1024)

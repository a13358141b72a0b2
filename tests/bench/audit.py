"""
What `payouts audit` takes for a payout, in time and in memory.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench import fill, gateway, product, stack
from tests.bench.checkout import THIS
from tests.bench.errors import CannotMeasure
from tests.bench.figures import Result, Samples
from tests.bench.product import Postgres
from tests.bench.wanted import Wanted

_REAL = 8


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
            few = min(_run(environment)[0] for _ in range(wanted.rounds))
            with engine.begin() as connection:
                real = fill.count(connection)
                many = fill.copy_stories(connection, max(1, wanted.audited // real))
            fill.analyse(engine)
            engine.dispose()
            for _ in range(wanted.rounds):
                seconds, peak = _run(environment)
                each = max(0.0, seconds - few) * 1000 / (many - real)
                samples.add(f"{database}: audit", "ms per payout", each)
                samples.add(f"{database}: peak resident memory", "MB", peak)
    return Result(
        name="audit",
        what=(
            "`payouts audit` of real payouts and copies of them; what it takes for the few real"
            " ones alone is taken off the time. Memory is the process's peak."
        ),
        conditions={"payouts": many, "real ones": real, "rounds": wanted.rounds},
        figures=samples.figures(),
    )


def _run(environment: Mapping[str, str]) -> tuple[float, float]:
    """
    The seconds and the peak memory in MB of one audit. Raises `CannotMeasure` if it finds a breach.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        [THIS.program("payouts"), "audit"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CannotMeasure(f"`payouts audit` ended with {process.returncode}:\n{told[-2000:]}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024

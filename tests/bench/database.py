"""
Commits and statements of a payout, as the database counts them.
"""

import contextlib
import time
from pathlib import Path

from tests.bench import counters, gateway, product, stack
from tests.bench.checkout import Checkout
from tests.bench.counters import Read
from tests.bench.figures import Result, Samples
from tests.bench.gateway import Gateway
from tests.bench.product import Postgres
from tests.bench.stack import Stack
from tests.bench.wanted import Wanted

#: The folder that makes a Python process count what SQLite does.
TRACING = Path(__file__).parent / "tracing"
_SWEEP_EVERY = "0.5s"
_MOST_ROUNDS = 2


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Count what a payout costs: accepted, sent, notified, and confirmed by one query.
    """
    payouts = min(wanted.payouts, 100)
    rounds = min(wanted.rounds, _MOST_ROUNDS)
    samples = Samples()
    with gateway.running(directory) as near:
        for database in wanted.databases:
            # PostgreSQL's processes tell what they did after a while; SQLite is asked directly.
            settling = wanted.settling if database == "postgres" else 1.0
            with contextlib.ExitStack() as parts:
                server = None
                if database == "postgres":
                    server = parts.enter_context(Postgres(directory / "postgres", counters.TELLING))
                counted = [
                    _start(parts, checkout, directory / f"{database}{place}", near, server)
                    for place, checkout in enumerate(wanted.checkouts)
                ]
                for _ in range(rounds):
                    for running, read in counted:
                        _count(samples, database, running, read, payouts, settling)
    return Result(
        name="database",
        what=(
            "What a payout costs the database: accepted, sent, notified, confirmed by one query."
            " PostgreSQL: commits of pg_stat_database, which counts each ping (a statement that"
            " only asks whether the connection lives) as one; statements in its log."
            " SQLite: its own trace in every process. Statements are those that do not begin or"
            " end a transaction. What an idle stretch of the same length costs is taken off."
        ),
        conditions={"payouts": payouts, "rounds": rounds, "sweep_every": _SWEEP_EVERY},
        figures=samples.figures(),
    )


def _start(
    parts: contextlib.ExitStack,
    checkout: Checkout,
    directory: Path,
    near: Gateway,
    server: Postgres | None,
) -> tuple[Stack, Read]:
    settings = {"PAYOUTS_SWEEP_EVERY": _SWEEP_EVERY}
    if server:
        url = server.create_database(directory.name)
        read = counters.of_postgres(url, server.directory / "postgres.log")
        outside = {}
    else:
        url, trace = f"sqlite:///{directory}/payouts.sqlite", directory / "trace"
        read = counters.of_sqlite(trace)
        outside = {"PYTHONPATH": str(TRACING), "BENCH_TRACE": str(trace)}
    running = stack.running(checkout, directory, url, near, settings=settings, outside=outside)
    return parts.enter_context(running), read


def _count(
    samples: Samples, database: str, running: Stack, read: Read, payouts: int, settling: float
) -> None:
    time.sleep(settling)
    begin, start = read(), time.monotonic()
    running.pay(payouts, product.PAID_LATER, product.confirmed_count)
    time.sleep(settling)
    busy, length = read().since(begin), time.monotonic() - start
    begin = read()
    time.sleep(length)
    idle = read().since(begin)
    cost = {name: max(0, at / payouts) for name, at in busy.since(idle)._asdict().items()}
    figures = {
        "commits": cost["commits"],
        "commits without pings": cost["commits"] - cost["pings"],
        "statements": cost["statements"],
        "pings": cost["pings"],
        "rollbacks": cost["rollbacks"],
    }
    for name, value in figures.items():
        samples.add(running.checkout.named(f"{database}: {name}"), "per payout", value)
    named = running.checkout.named(f"{database}: statements while idle")
    samples.add(named, "1/s", idle.statements / length)

"""
What it costs that someone leaves a transaction open: no row version that it may see is removed.
"""

import contextlib
import secrets
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import product, stack
from tests.bench.checkout import THIS
from tests.bench.figures import Result, Samples
from tests.bench.product import Ledger, Postgres
from tests.bench.wanted import Wanted

#: In so many parts the time held is told.
_PARTS = 5


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Accept, claim and record without a pause: before, while and after a snapshot is held.
    """
    samples = Samples()
    rows, done = 20 * wanted.payouts, 0
    with contextlib.ExitStack() as parts:
        server = parts.enter_context(Postgres(directory / "postgres"))
        url = server.create_database("ours")
        ours = parts.enter_context(_ledger(url))
        # A snapshot holds the rows of its own database only.
        beside = parts.enter_context(_ledger(server.create_database("beside")))
        for warm_up in (ours, beside):
            _rate(warm_up, rows)
        before = statistics.median(
            _add(samples, "before", _rate(ours, rows)) for _ in range(wanted.rounds)
        )
        with _snapshot(url):
            start = time.monotonic()
            for part in range(_PARTS):
                begin, end = (wanted.held * n / _PARTS for n in (part, part + 1))
                named = f"held {begin:g} to {end:g} s"
                free = _rate(beside, rows)
                rates: list[float] = []
                while not rates or time.monotonic() < start + end:
                    rates.append(_add(samples, named, _rate(ours, rows)))
                done += rows * len(rates)
                held = statistics.median(rates)
                samples.add(f"{named}: in another database", "1/s", free)
                samples.add(f"{named}: ÷ before", "ratio", held / before)
                samples.add(f"{named}: ÷ in another database", "ratio", held / free)
        samples.add("let go, without a vacuum", "1/s", _rate(ours, rows))
    return Result(
        name="old_snapshot",
        what=(
            "Claim due sends in batches, each in one commit, and record in another how they ended,"
            " while another session keeps a snapshot of the database open: rows a second of one"
            " process, without the time in which they are accepted. In another database of the same"
            " server nothing is held. A part's ratio is that of its median."
        ),
        conditions={
            "held": f"{wanted.held:g} s",
            "rows while held": done,
            "rows at once": rows,
            "batch": product.BATCH,
        },
        figures=samples.figures(),
    )


@contextlib.contextmanager
def _ledger(database_url: str) -> Iterator[Ledger]:
    key = product.new_key()
    settings = {"PAYOUTS_DATABASE_URL": database_url, "PAYOUTS_KEYRING": key}
    stack.migrate(THIS, THIS.environment() | settings)
    with product.open_ledger(database_url, key) as ledger:
        yield ledger


@contextlib.contextmanager
def _snapshot(database_url: str) -> Iterator[None]:
    engine = stack.watching(database_url).execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        product.final_count(connection)
        yield
    engine.dispose()


def _rate(ledger: Ledger, rows: int) -> float:
    run = f"OLD{secrets.token_hex(5).upper()}"
    for place in range(rows):
        ledger.accept(f"{run}{place:06}")
    start = time.perf_counter()
    while ledger.work(product.BATCH):
        pass
    return rows / (time.perf_counter() - start)


def _add(samples: Samples, name: str, rate: float) -> float:
    samples.add(name, "1/s", rate)
    return rate

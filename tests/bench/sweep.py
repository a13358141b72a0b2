"""
How long the queries of a sweep take, by the size of the table.
"""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from tests.bench import fill, product, stack
from tests.bench.checkout import THIS
from tests.bench.figures import Result, Samples
from tests.bench.product import Postgres
from tests.bench.wanted import Wanted

#: What a sweep takes at most, and how much of each kind is due.
_LIMIT, _DUE = 100, 200
_WARM_ROUNDS = 3


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Sweep tables of several sizes.
    """
    samples = Samples()
    for database in wanted.databases:
        for rows in wanted.rows:
            folder = directory / f"{database}{rows}"
            folder.mkdir()
            with _database(database, folder) as (url, server):
                _sweep(samples, f"{database}, {rows:,} rows", url, rows, server, wanted.rounds)
    return Result(
        name="sweep",
        what=(
            "The queries of one sweep; of sends and of queries more are due than one sweep takes."
            " Cold: the first after the server was started anew, whose own cache is empty while the"
            " system's is not. Warm: the later ones."
        ),
        conditions={"limit": _LIMIT, "due of each": _DUE, "rounds": wanted.rounds},
        figures=samples.figures(),
    )


@contextlib.contextmanager
def _database(database: str, folder: Path) -> Iterator[tuple[str, Postgres | None]]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/payouts.sqlite", None
        return
    with Postgres(folder) as server:
        yield server.create_database("sweep"), server


def _sweep(
    samples: Samples, named: str, url: str, rows: int, server: Postgres | None, rounds: int
) -> None:
    key = product.new_key()
    settings = {"PAYOUTS_DATABASE_URL": url, "PAYOUTS_KEYRING": key}
    stack.migrate(THIS, THIS.environment() | settings)
    with product.open_ledger(url, key) as ledger:
        source = ledger.accept("SWEEP")
    engine = stack.watching(url)
    make_due = _fill(engine, source, rows)
    for _ in range(rounds):
        engine.dispose()
        if server:
            server.stop()
            server.start()
        with product.open_ledger(url, key) as ledger:
            for place in range(1 + _WARM_ROUNDS):
                with engine.begin() as connection:
                    for statement in make_due:
                        connection.execute(sa.text(statement))
                total = 0.0
                state = "warm" if place else "cold"
                for name, step in ledger.sweep(_LIMIT).items():
                    start = time.perf_counter()
                    step()
                    taken = (time.perf_counter() - start) * 1000
                    total += taken
                    if state == "warm":
                        samples.add(f"{named}: {name}, warm", "ms", taken)
                samples.add(f"{named}: together, {state}", "ms", total)
    engine.dispose()


def _fill(engine: sa.Engine, source: int, rows: int) -> list[str]:
    """
    Fill the table; return the statements that make rows due again.
    """
    now = datetime.now(UTC)
    past, later = (_literal(now + timedelta(days=days)) for days in (-1, 30))
    with engine.begin() as connection:
        quiet = f"UPDATE payouts SET next_send_at = NULL, status = 'held' WHERE id = {source}"
        sends = fill.copy_payout(connection, source, _DUE, {"next_send_at": past})
        paid = {**product.PAID_ROW, "next_query_at": past}
        queries = fill.copy_payout(connection, source, _DUE, paid)
        watched = {**product.PAID_ROW, "next_query_at": later}
        fill.copy_payout(connection, source, rows - 2 * _DUE - 1, watched)
        connection.execute(sa.text(quiet))
    fill.analyse(engine)
    return [
        f"UPDATE payouts SET next_send_at = {past} WHERE id BETWEEN {sends[0]} AND {sends[1]}",
        (
            f"UPDATE payouts SET next_query_at = {past}, query_misses = 0"
            f" WHERE id BETWEEN {queries[0]} AND {queries[1]}"
        ),
    ]


def _literal(at: datetime) -> str:
    # Text on SQLite, where it has no zone; a session of PostgreSQL's may have one of its own.
    return f"'{at:%Y-%m-%d %H:%M:%S.%f}'"

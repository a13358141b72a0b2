"""
How long the queries of a sweep take, by the size of the table.
"""

import contextlib
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import sqlalchemy as sa

from tests.bench import fill, product, stack
from tests.bench.checkout import THIS
from tests.bench.figures import Result, Samples
from tests.bench.product import Postgres
from tests.bench.wanted import Wanted

#: What a sweep takes at most, and how much of each kind is due.
_LIMIT, _DUE = 100, 200
_WARM_ROUNDS = 9
#: So many rows are filled in at once; who waits for more is told how far it is.
_AT_ONCE = 250_000
_TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class _Filled:
    """
    A filled table, and the statements that make its rows due again.
    """

    database: str
    rows: int
    url: str
    key: str
    engine: sa.Engine
    make_due: Sequence[str]


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Sweep tables of several sizes, in turns.
    """
    samples = Samples()
    for database in wanted.databases:
        with _databases(database, directory / database, wanted.rows) as (urls, server):
            tables = [_fill(database, rows, url) for rows, url in urls.items()]
            for _ in range(wanted.rounds):
                medians = [_sweep(samples, table, server) for table in tables]
                _compare(samples, tables, medians)
            for table in tables:
                table.engine.dispose()
    return Result(
        name="sweep",
        what=(
            "The queries of one sweep; of sends and of queries more are due than one sweep takes."
            " Cold: the first after the server was started anew, whose own cache is empty while the"
            " system's is not. Warm: the later ones. Ratios are of the medians of a round."
        ),
        conditions={
            "limit": _LIMIT,
            "due of each": _DUE,
            "rounds": wanted.rounds,
            "warm sweeps a round": _WARM_ROUNDS,
        },
        figures=samples.figures(),
    )


@contextlib.contextmanager
def _databases(
    database: str, folder: Path, sizes: Sequence[int]
) -> Iterator[tuple[Mapping[int, str], Postgres | None]]:
    folder.mkdir()
    if database == "sqlite":
        yield {rows: f"sqlite:///{folder}/payouts{rows}.sqlite" for rows in sizes}, None
        return
    with Postgres(folder) as server:
        yield {rows: server.create_database(f"sweep{rows}") for rows in sizes}, server


def _sweep(samples: Samples, table: _Filled, server: Postgres | None) -> Mapping[str, float]:
    """
    Sweep once cold and a few times warm; return the median of each query, warm.
    """
    table.engine.dispose()
    if server:
        server.stop()
        server.start()
    named = f"{table.database}, {table.rows:,} rows"
    warm: dict[str, list[float]] = defaultdict(list)
    with product.open_ledger(table.url, table.key) as ledger:
        for place in range(1 + _WARM_ROUNDS):
            with table.engine.begin() as connection:
                for statement in table.make_due:
                    connection.execute(sa.text(statement))
            taken: dict[str, float] = {}
            for name, step in ledger.sweep(_LIMIT).items():
                start = time.perf_counter()
                step()
                taken[name] = (time.perf_counter() - start) * 1000
            taken[_TOGETHER] = sum(taken.values())
            if not place:
                samples.add(f"{named}: {_TOGETHER}, cold", "ms", taken[_TOGETHER])
                continue
            for name, each in taken.items():
                samples.add(f"{named}: {name}, warm", "ms", each)
                warm[name].append(each)
    return {name: statistics.median(found) for name, found in warm.items()}


def _compare(
    samples: Samples, tables: Sequence[_Filled], medians: Sequence[Mapping[str, float]]
) -> None:
    (_, small), *others = sorted(zip(tables, medians, strict=True), key=lambda each: each[0].rows)
    for table, large in others:
        least = min(each.rows for each in tables)
        for name in large:
            figure = f"{table.database}, {table.rows:,} ÷ {least:,} rows: {name}, warm"
            samples.add(figure, "ratio", large[name] / small[name])


def _fill(database: str, rows: int, url: str) -> _Filled:
    key = product.new_key()
    settings = {"PAYOUTS_DATABASE_URL": url, "PAYOUTS_KEYRING": key}
    stack.migrate(THIS, THIS.environment() | settings)
    with product.open_ledger(url, key) as ledger:
        source = ledger.accept("SWEEP")
    engine = stack.watching(url)
    now = datetime.now(UTC)
    past, later = (_literal(now + timedelta(days=days)) for days in (-1, 30))
    with engine.begin() as connection:
        sends = fill.copy_payout(connection, source, _DUE, {"next_send_at": past})
        paid = {**product.PAID_ROW, "next_query_at": past}
        queries = fill.copy_payout(connection, source, _DUE, paid)
    watched = {**product.PAID_ROW, "next_query_at": later}
    filled = 2 * _DUE + 1
    while filled < rows:
        more = min(_AT_ONCE, rows - filled)
        with engine.begin() as connection:
            fill.copy_payout(connection, source, more, watched)
        filled += more
        if rows > _AT_ONCE:
            click.echo(f"sweep: {database}, {filled:,} of {rows:,} rows", err=True)
    quiet = f"UPDATE payouts SET next_send_at = NULL, status = 'held' WHERE id = {source}"
    with engine.begin() as connection:
        connection.execute(sa.text(quiet))
    fill.analyse(engine)
    make_due = [
        f"UPDATE payouts SET next_send_at = {past} WHERE id BETWEEN {sends[0]} AND {sends[1]}",
        (
            f"UPDATE payouts SET next_query_at = {past}, query_misses = 0"
            f" WHERE id BETWEEN {queries[0]} AND {queries[1]}"
        ),
    ]
    return _Filled(database, rows, url, key, engine, make_due)


def _literal(at: datetime) -> str:
    # Text on SQLite, where it has no zone; a session of PostgreSQL's may have one of its own.
    return f"'{at:%Y-%m-%d %H:%M:%S.%f}'"

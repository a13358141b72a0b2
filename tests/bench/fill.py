"""
Fills tables by SQL alone: real rows, copied by the database itself under new numbers.

What a column is called does not matter, but for those that have to differ. What is sealed stands as
in the original, and opens nowhere else.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from tests.bench.product import STORY

_SERIES = {
    "postgresql": "generate_series(1, {count}) AS series(n)",
    "sqlite": (
        "(WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series"
        " WHERE n < {count}) SELECT n FROM series)"
    ),
}
_KEYS = ("obligation_id", "payout_id", "attempt_id", "evidence_id")


def copy_payout(
    connection: sa.Connection, source: int, times: int, changes: Mapping[str, str]
) -> tuple[int, int]:
    """
    Copy one payout's row so often, with other SQL in some columns; return the first and last id.
    """
    last = connection.execute(sa.text("SELECT max(id) FROM payouts")).scalar_one()
    unlike = {name: f"{name} || '-' || ({last} + n)" for name in STORY["payouts"]}
    values = {"id": f"{last} + n", **unlike, **changes}
    _copy(connection, "payouts", times, values, f"id = {source}")
    return last + 1, last + times


def copy_stories(connection: sa.Connection, times: int) -> int:
    """
    Copy all payouts with their stories so often; return by how much the ids of copies lie apart.

    The first copies follow the highest id of the originals.
    """
    story = [table for table in STORY if sa.inspect(connection).has_table(table)]
    highest = [
        int(connection.execute(sa.text(f"SELECT coalesce(max(id), 0) FROM {table}")).scalar_one())
        for table in story
    ]
    stride = max(highest)
    for table in story:
        values = {name: f"{name} + n * {stride}" for name in ("id", *_KEYS)}
        values |= {name: f"{name} || '-' || n" for name in STORY[table]}
        _copy(connection, table, times, values, f"id <= {stride}")
    return stride


def count(connection: sa.Connection) -> int:
    """
    How many payouts there are.
    """
    return int(connection.execute(sa.text("SELECT count(*) FROM payouts")).scalar_one())


def analyse(engine: sa.Engine) -> None:
    """
    Let the database look at its tables, as it does by itself after a while.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        is_postgres = connection.dialect.name == "postgresql"
        connection.execute(sa.text("VACUUM ANALYZE" if is_postgres else "ANALYZE"))


def _copy(
    connection: sa.Connection, table: str, times: int, values: Mapping[str, str], where: str
) -> None:
    columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
    series = _SERIES[connection.dialect.name].format(count=times)
    chosen = ", ".join(values.get(name, name) for name in columns)
    connection.execute(
        sa.text(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {chosen} FROM {table}, {series} WHERE {where}"
        )
    )

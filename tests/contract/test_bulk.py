"""
Rows that are written together: each gets its own values, and a guard that misses is noticed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from worker.store.bulk import BulkInsert, BulkUpdate
from worker.store.types import ForeignText, Id, UtcDateTime

_METADATA = sa.MetaData()
_THINGS = sa.Table(
    "things",
    _METADATA,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", ForeignText, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("at", UtcDateTime),
)
_KEYS = {"which": _THINGS.c.id, "was": _THINGS.c.version}
_NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

#: Whatever a text, bytes or a time may hold, and nothing: arrays have a syntax of their own.
_ROWS: list[dict[str, Any]] = [
    {"name": '{"a",\\b} NULL', "version": 1, "content": b"\\x00{}\xff,\"'", "at": _NOON},
    {"name": "NULL", "version": 2, "content": None, "at": None},
    {"name": "", "version": 3, "content": b"", "at": _NOON.replace(year=9999)},
    {"name": "张三\n退票\t%s :x", "version": 4, "content": b"NULL", "at": _NOON},
]

#: By their versions, the keys of these rows: before all that a database numbers by itself.
_KEY = {1: -4, 2: -3, 3: -2, 4: -1}


@pytest.fixture
def conn(engine: sa.Engine) -> Iterator[sa.Connection]:
    """
    A transaction with a table of its own and four rows in it.
    """
    with engine.connect() as conn:
        _METADATA.create_all(conn)
        rows = [{**row, "id": _KEY[row["version"]]} for row in _ROWS]
        conn.execute(sa.insert(_THINGS), rows)
        yield conn


def _all(conn: sa.Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in conn.execute(sa.select(_THINGS).order_by(_THINGS.c.id))]


def test_what_is_inserted_together_is_what_was_given(conn: sa.Connection) -> None:
    """
    Many rows at once are stored as one at a time are, and each is told with its own key.
    """
    one_by_one = [row[1:] for row in _all(conn)]

    told = BulkInsert(_THINGS, _THINGS.c.version, _THINGS.c.id).execute(
        conn, [{**row, "version": row["version"] + 10} for row in _ROWS]
    )

    stored = _all(conn)[len(_ROWS) :]
    assert [(name, version - 10, *rest) for _, name, version, *rest in stored] == one_by_one
    assert {(row.version, row.id) for row in told} == {(row[2], row[0]) for row in stored}


def test_each_row_is_updated_to_its_own_values(conn: sa.Connection) -> None:
    """
    However the rows are ordered, none gets what was meant for another.
    """
    before = _all(conn)
    meant = {2: b"second", 4: None, 1: b"first"}
    rows = [
        {"which": _KEY[version], "was": version, "content": content, "version": 7}
        for version, content in meant.items()
    ]

    assert BulkUpdate(_THINGS, _KEYS).execute(conn, rows) == 3

    after = {row[0]: row for row in _all(conn)}
    assert {version: after[_KEY[version]][3] for version in meant} == meant
    assert after[_KEY[3]] == before[2]
    assert [row[4] for row in after.values()] == [row[4] for row in before]


@pytest.mark.parametrize("astray", [{"was": 9}, {"which": 9}])
def test_a_guard_that_misses_is_counted(conn: sa.Connection, astray: dict[str, int]) -> None:
    """
    A row that is no more as it was read is left alone, and the count tells it.
    """
    before = _all(conn)
    rows = [
        {"which": _KEY[1], "was": 1, "name": "moved"},
        {"which": _KEY[2], "was": 2, "name": "moved"} | astray,
    ]

    assert BulkUpdate(_THINGS, _KEYS).execute(conn, rows) == 1
    assert _all(conn)[1:] == before[1:]


def test_a_condition_holds_for_each_row(conn: sa.Connection) -> None:
    """
    What is asked of all rows alike is asked of each; what is stored is made of what was there.
    """
    most = sa.bindparam("most", type_=sa.Integer)
    update = BulkUpdate(
        _THINGS,
        {"which": _THINGS.c.id},
        _THINGS.c.version <= most,
        content=lambda given: sa.func.coalesce(_THINGS.c.content, given),
    )
    rows = [{"which": _KEY[version], "content": b"late"} for version in (1, 2, 4)]

    assert update.execute(conn, rows, most=3) == 2

    contents = [row[3] for row in _all(conn)]
    assert contents == [_ROWS[0]["content"], b"late", b"", b"NULL"]

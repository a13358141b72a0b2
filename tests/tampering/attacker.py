"""
Someone who writes to the database and holds no key. No constraint holds him back but uniqueness.

He owns the tables, and takes their triggers away.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from worker.store.types import Sealed, UtcDateTime

#: All is due: nobody needs a key to have a payout looked at.
_DUE = (
    (
        "UPDATE payouts SET next_send_at = accepted_at"
        " WHERE status IN ('queued', 'refused', 'unknown')"
    ),
    "UPDATE payouts SET next_query_at = accepted_at",
)

_LONG_AGO, _FAR_AHEAD = "2020-01-01 00:00:00.000000", "2030-01-01 00:00:00.000000"


class Attacker:
    """
    One connection of his own.
    """

    def __init__(self, file: Path) -> None:
        self._conn = sqlite3.connect(file, isolation_level=None)
        self._conn.execute("PRAGMA foreign_keys = OFF")
        self._conn.execute("PRAGMA ignore_check_constraints = ON")
        fences = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in self._conn.execute(fences).fetchall():
            self._conn.execute(f"DROP TRIGGER {name}")

    def close(self) -> None:
        """
        Go away.
        """
        self._conn.close()

    def run(self, *statements: str) -> None:
        """
        Execute statements, then make all due.
        """
        for statement in (*statements, *_DUE):
            self._try(statement)

    def change(
        self, column: sa.Column[Any], made: Callable[[Sequence[object]], Sequence[object]]
    ) -> None:
        """
        Write other values into a column, row by row.
        """
        name, table = column.name, column.table.name
        rows = self._conn.execute(f"SELECT rowid, {name} FROM {table} ORDER BY rowid").fetchall()
        values = made([value for _, value in rows])
        for (row, _), value in zip(rows, values, strict=True):
            self._try(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", value, row)
        self.run()

    @contextlib.contextmanager
    def changed(self, column: sa.Column[Any], which: str, value: object) -> Iterator[bool]:
        """
        Another value in the newest of some rows, for a while; whether it is another, and may be.
        """
        table, name = column.table.name, column.name
        newest = f"FROM {table} WHERE {which} ORDER BY rowid DESC LIMIT 1"
        row, was = self._conn.execute(f"SELECT rowid, {name} {newest}").fetchone()
        update = f"UPDATE {table} SET {name} = ? WHERE rowid = ?"
        try:
            self._conn.execute(update, (value, row))
        except sqlite3.IntegrityError:
            yield False
            return
        yield value != was
        self._conn.execute(update, (was, value if name == "id" else row))

    def copy_rows(self, table: sa.Table) -> None:
        """
        Put each row beside itself, under another id.
        """
        names = [column.name for column in table.c if column.name != "id"]
        listed = ", ".join(names)
        for (row,) in self._conn.execute(f"SELECT rowid FROM {table.name}").fetchall():
            self._try(
                f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM {table.name}"
                " WHERE rowid = ?",
                row,
            )
        self.run()

    def attach(self, before: Path) -> None:
        """
        Have a copy of the database at hand, as `earlier`.
        """
        self._conn.execute("ATTACH DATABASE ? AS earlier", (str(before),))

    def put_back(self, table: sa.Table, before: Path) -> None:
        """
        Make each row what it was in a copy of the database; those that were not there yet stay.
        """
        self.attach(before)
        self.run(f"INSERT OR REPLACE INTO {table.name} SELECT * FROM earlier.{table.name}")

    def take_away_since(self, table: sa.Table, before: Path) -> None:
        """
        Delete the rows that were not there yet in a copy of the database.
        """
        self.attach(before)
        self.run(
            f"DELETE FROM {table.name} WHERE rowid NOT IN (SELECT rowid FROM earlier.{table.name})"
        )

    def _try(self, statement: str, *values: object) -> None:
        with contextlib.suppress(sqlite3.IntegrityError):
            self._conn.execute(statement, values)


def others(column: sa.Column[Any]) -> Sequence[object]:
    """
    Values that he would try.
    """
    kind = column.type
    found: list[object] = [None] if column.nullable else []
    if isinstance(kind, sa.Enum):
        return [*found, *kind.enums]
    if isinstance(kind, UtcDateTime):
        return [*found, _LONG_AGO, _FAR_AHEAD]
    if isinstance(kind, sa.Boolean):
        return [*found, 0, 1]
    if isinstance(kind, Sealed):
        return [*found, b"junk", b"\x01" + bytes(40), b"gAAAAA"]
    if column.name.endswith(("id", "_fen", "count", "number")) or "INT" in str(kind).upper():
        return [*found, 0, 1, 2, 900]
    return [*found, "", "another"]

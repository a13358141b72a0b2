"""
Many rows of a table written by one statement, each with values of its own.

PostgreSQL takes a column of values as an array and reads them as a table, in one round. SQLite has
no such thing and no round: there the statement is executed row by row.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

#: Makes what is stored of what is given.
Stored = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]


class BulkUpdate:
    """
    An update of a table: of which rows, on which conditions, and how what is given is stored.

    `keys` name the values of a row by which it is found and guarded. What is the same for all rows
    is a parameter of the `conditions`. `stored` names columns that are not set to just what is
    given. Statements are made once for each set of columns.
    """

    def __init__(
        self,
        table: sa.Table,
        keys: Mapping[str, sa.Column[Any]],
        *conditions: sa.ColumnElement[bool],
        **stored: Stored,
    ) -> None:
        self._table = table
        self._keys = keys
        self._conditions = conditions
        self._stored = stored
        self._made = functools.cache(self._make)

    def execute(
        self, conn: sa.Connection, rows: Sequence[Mapping[str, object]], **common: object
    ) -> int:
        """
        Update the rows, which all give the same columns; return how many there were to update.
        """
        names = tuple(sorted(rows[0]))
        if _takes_arrays(conn):
            return conn.execute(
                self._made(names, True), {**_arrays(names, rows), **common}
            ).rowcount
        each = [{**row, **common} for row in rows]
        return conn.execute(self._made(names, False), each).rowcount

    def _make(self, names: tuple[str, ...], at_once: bool) -> sa.Update:
        types = {name: {**self._table.c, **self._keys}[name].type for name in names}
        given: dict[str, sa.ColumnElement[Any]] = (
            dict(_given(types).c)
            if at_once
            else {name: sa.bindparam(name, type_=kind) for name, kind in types.items()}
        )
        found = (column == given[name] for name, column in self._keys.items())
        values = {
            name: self._stored[name](given[name]) if name in self._stored else given[name]
            for name in names
            if name not in self._keys
        }
        return sa.update(self._table).where(*found, *self._conditions).values(values)


class BulkInsert:
    """
    An insertion into a table of rows that all give the same columns; `told` is returned of each.

    `found` are columns whose value the database finds.
    """

    def __init__(
        self, table: sa.Table, *told: sa.Column[Any], **found: sa.ColumnElement[Any]
    ) -> None:
        self._table = table
        self._told = told
        self._found = found
        self._made = functools.cache(self._make)

    def execute(
        self, conn: sa.Connection, rows: Sequence[Mapping[str, object]]
    ) -> Sequence[sa.Row[Any]]:
        """
        Insert the rows, in the order given; return what is told of them, in any.
        """
        names = tuple(sorted(rows[0]))
        if _takes_arrays(conn):
            inserted = conn.execute(self._made(names, True), _arrays(names, rows))
        else:
            inserted = conn.execute(self._made(names, False), rows)
        return inserted.all() if self._told else ()

    def _make(self, names: tuple[str, ...], at_once: bool) -> sa.Executable:
        insert = sa.insert(self._table)
        if at_once:
            given = _given({name: self._table.c[name].type for name in names})
            values = sa.select(*given.c, *self._found.values())
            insert = insert.from_select([*names, *self._found], values)
        elif self._found:
            own = {name: sa.bindparam(name, type_=self._table.c[name].type) for name in names}
            insert = insert.values({**own, **self._found})
        return insert.returning(*self._told) if self._told else insert


def _takes_arrays(conn: sa.Connection) -> bool:
    return conn.dialect.name == "postgresql"


def _arrays(
    names: tuple[str, ...], rows: Sequence[Mapping[str, object]]
) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in names}


def _given(types: Mapping[str, Any]) -> sa.TableValuedAlias:
    """
    Arrays, read as a table with a column for each.
    """
    arrays = [sa.bindparam(name, type_=postgresql.ARRAY(kind)) for name, kind in types.items()]
    columns = [sa.column(name, kind) for name, kind in types.items()]
    return sa.func.unnest(*arrays).table_valued(*columns).render_derived("given")

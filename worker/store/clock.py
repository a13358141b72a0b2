"""
The database's own time, the only clock that leases and schedules go by.

It comes with a statement that is needed anyway: each that locks what a transaction decides about
also tells when that was.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from worker.store.types import UtcDateTime

#: What tells the time in a statement.
Clock = sa.ColumnElement[datetime]


class database_now(FunctionElement[datetime]):  # noqa: N801 - it stands for a function of SQL
    """
    The moment at which it is reckoned, not the transaction's start, aware UTC.
    """

    type = UtcDateTime()
    inherit_cache = True


@compiles(database_now, "postgresql")
def _postgresql(_element: object, _compiler: object, **_options: Any) -> str:
    return "clock_timestamp()"


@compiles(database_now, "sqlite")
def _sqlite(_element: object, _compiler: object, **_options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


#: The time of whatever database the statement is run on.
DATABASE_CLOCK: Clock = database_now()


def read_clock(conn: sa.Connection, clock: Clock = DATABASE_CLOCK) -> datetime:
    """
    The time, by a statement of its own.
    """
    return conn.execute(sa.select(clock)).scalar_one()

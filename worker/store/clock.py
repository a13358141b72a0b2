"""
The database's own time, the only clock that leases and schedules go by.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

#: Tells the time of the database behind a connection.
Clock = Callable[[sa.Connection], datetime]

_SQLITE_NOW = sa.select(sa.func.strftime("%Y-%m-%dT%H:%M:%f", "now"))
_POSTGRESQL_NOW = sa.select(sa.func.clock_timestamp())


def database_now(conn: sa.Connection) -> datetime:
    """
    The moment of the call, not of the transaction's start, aware UTC.
    """
    if conn.dialect.name == "sqlite":
        text: str = conn.execute(_SQLITE_NOW).scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    now: datetime = conn.execute(_POSTGRESQL_NOW).scalar_one()
    return now.astimezone(UTC)

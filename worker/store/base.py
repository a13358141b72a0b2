"""
What every part of the ledger stands on: its transactions and its clock.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from worker.payouts.status import TRANSITIONS, PayoutStatus
from worker.store.clock import Clock, database_now
from worker.store.engine import reading
from worker.store.errors import IllegalMove
from worker.store.keyring import Keyring
from worker.store.tables import transitions

_INSERTS: dict[str, Callable[[sa.Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


def new_token() -> str:
    """
    A lease token that nobody else has.
    """
    return secrets.token_hex(8)


class Base:
    """
    An engine, the keyring for payee data, the clock and the source of lease tokens.
    """

    def __init__(
        self,
        engine: sa.Engine,
        keyring: Keyring,
        clock: Clock = database_now,
        new_token: Callable[[], str] = new_token,
    ) -> None:
        self._engine = engine
        self._snapshots = reading(engine)
        self._keyring = keyring
        self._clock = clock
        self._new_token = new_token

    @contextmanager
    def _writing(self) -> Iterator[tuple[sa.Connection, datetime]]:
        with self._engine.begin() as conn:
            yield conn, self._clock(conn)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._snapshots.begin() as conn:
            yield conn

    def now(self) -> datetime:
        """
        The database's clock, aware UTC.
        """
        with self._reading() as conn:
            return self._clock(conn)

    def close(self) -> None:
        """
        Close every idle connection.
        """
        self._engine.dispose()


def insert_new(conn: sa.Connection, table: sa.Table, **values: object) -> int | None:
    """
    Insert a row and return its key; None, and no row, if a unique constraint stands in the way.
    """
    insert = _INSERTS[conn.dialect.name](table).values(**values)
    inserted = conn.execute(insert.on_conflict_do_nothing().returning(*table.primary_key))
    return inserted.scalar_one_or_none()


def check_move(old: PayoutStatus, new: PayoutStatus) -> None:
    """
    Raise `IllegalMove` unless the table of transitions allows it.
    """
    if new not in TRANSITIONS[old]:
        raise IllegalMove(f"a payout may not move from {old} to {new}")


def append_transition(conn: sa.Connection, **values: object) -> None:
    """
    Write down a move. Rows are never changed or deleted.
    """
    conn.execute(sa.insert(transitions).values(**values))

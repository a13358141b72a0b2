"""
What every part of the ledger is built on: its transactions and its clock.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from worker.store.clock import DATABASE_CLOCK, Clock, read_clock
from worker.store.engine import read_only
from worker.store.faults import translated
from worker.store.frontier import Frontier
from worker.store.keyring import Keyring
from worker.store.locks import Locks
from worker.store.writes import write_nothing


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
        clock: Clock = DATABASE_CLOCK,
        new_token: Callable[[], str] = new_token,
    ) -> None:
        self._engine = engine
        self._snapshots = read_only(engine)
        self._keyring = keyring
        self._clock = clock
        self._locks = Locks(clock)
        self._new_token = new_token
        self._sends, self._queries = Frontier(), Frontier()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with translated(), self._engine.begin() as conn:
            yield conn

    @contextmanager
    def _writing(self) -> Iterator[tuple[sa.Connection, datetime]]:
        with self._transaction() as conn:
            yield conn, read_clock(conn, self._clock)

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        with translated(), self._snapshots.begin() as conn:
            yield conn

    def now(self) -> datetime:
        """
        The database's clock, aware UTC.
        """
        with self._snapshot() as conn:
            return read_clock(conn, self._clock)

    def check_writable(self) -> None:
        """
        Do what every step of the work does, with a write that changes nothing.

        A standby answers every question and takes no work. Raises `StoreUnavailable` or
        `StoreFault`.
        """
        with self._transaction() as conn:
            write_nothing(conn)

    def close(self) -> None:
        """
        Close every idle connection.
        """
        self._engine.dispose()

"""
What every part of the ledger is built on: its transactions and its clock.
"""

import secrets
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.errors import SealError
from worker.store.clock import DATABASE_CLOCK, Clock, read_clock
from worker.store.controls import ControlRegister
from worker.store.engine import read_only
from worker.store.faults import translated
from worker.store.frontier import Frontier
from worker.store.keyring import Keyring
from worker.store.locks import Locks
from worker.store.seals import Seals
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
        self._seals = Seals(keyring)
        self._clock = clock
        self._locks = Locks(clock, self._seals)
        self._controls = ControlRegister(self._seals)
        self._new_token = new_token
        self._sends, self._queries = Frontier(), Frontier()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with translated():
            if self._seals.is_due():
                self._look_at_seals()
            with self._engine.begin() as conn:
                yield conn

    @contextmanager
    def _writing(self) -> Iterator[tuple[sa.Connection, datetime]]:
        with self._transaction() as conn:
            yield conn, read_clock(conn, self._clock)

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        with translated():
            if self._seals.is_due(to_seal=False):
                self._look_at_seals()
            with self._snapshots.begin() as conn:
                yield conn

    def _look_at_seals(self) -> None:
        """
        See how things are sealed now: before a transaction, which holds what others wait for.
        """
        with self._snapshots.begin() as conn:
            self._seals.look(conn)

    def _denied(self, conn: sa.Connection) -> Set[str]:
        """
        The account numbers on the deny list; none where it is not what was written.

        Whoever claims finds that, and sends nothing: here it would keep jobs out.
        """
        try:
            return self._controls.read(conn).denied.keys()
        except SealError:
            return frozenset()

    @property
    def seals(self) -> Seals:
        """
        How things are sealed here, for what lies outside the database.
        """
        with translated():
            if self._seals.is_due():
                self._look_at_seals()
        return self._seals

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

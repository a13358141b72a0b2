"""
What every part of the ledger is built on: its transactions and its clock.
"""

import functools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from worker.payouts.model import Payout
from worker.store.clock import DATABASE_CLOCK, Clock, read_clock
from worker.store.engine import read_only
from worker.store.faults import translated
from worker.store.keyring import Keyring
from worker.store.locks import Locks
from worker.store.rows import changed_columns
from worker.store.tables import installation, payouts, transitions

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
        clock: Clock = DATABASE_CLOCK,
        new_token: Callable[[], str] = new_token,
    ) -> None:
        self._engine = engine
        self._snapshots = read_only(engine)
        self._keyring = keyring
        self._clock = clock
        self._locks = Locks(clock, keyring)
        self._new_token = new_token

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


def write_nothing(conn: sa.Connection) -> None:
    """
    Find out whether this connection may write: nothing is changed, and nobody has to wait for it.
    """
    nobodys = sa.update(installation).where(installation.c.id == 0)
    conn.execute(nobodys.values(epoch=installation.c.epoch))


@functools.cache
def _insertion(dialect: str, table: sa.Table) -> sa.Executable:
    insert = _INSERTS[dialect](table)
    return insert.on_conflict_do_nothing().returning(*table.primary_key)


def insert_new(conn: sa.Connection, table: sa.Table, **values: object) -> int | None:
    """
    Insert a row and return its key; None, and no row, if a unique constraint forbids it.
    """
    key: int | None = conn.execute(
        _insertion(conn.dialect.name, table), values
    ).scalar_one_or_none()
    return key


#: Brings a row from what it was to what it will be. The guards are its id, status and version as it
#: was read; a statement made of this one may have more.
ROW_UPDATE = sa.update(payouts).where(
    payouts.c.id == sa.bindparam("before_id"),
    payouts.c.status == sa.bindparam("before_status", type_=payouts.c.status.type),
    payouts.c.version == sa.bindparam("before_version"),
)


def write_row(
    conn: sa.Connection,
    before: Payout,
    after: Payout,
    update: sa.Update = ROW_UPDATE,
    **more: object,
) -> bool:
    """
    Bring a row from `before` to `after`; False, and nothing is written, if a guard misses.

    `more` are the parameters of what `update` adds to `ROW_UPDATE`.
    """
    guards = {
        "before_id": before.id,
        "before_status": before.status,
        "before_version": before.version,
    }
    written = conn.execute(update, changed_columns(before, after) | guards | more)
    return written.rowcount == 1


def append_transition(
    conn: sa.Connection,
    before: Payout,
    after: Payout,
    actor: str,
    evidence_id: int | None = None,
) -> None:
    """
    Record a move, if there was one. Rows are never changed or deleted.
    """
    if after.status is before.status:
        return
    conn.execute(
        sa.insert(transitions),
        {
            "payout_id": before.id,
            "from_status": before.status,
            "to_status": after.status,
            "reason": after.reason,
            "evidence_id": evidence_id,
            "actor": actor,
            "at": after.updated_at,
        },
    )

"""
A database as a whole: whether it answers, which tables it has, and whose it is.
"""

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from worker.payouts.errors import SettingsError
from worker.store import installation, keys, revision
from worker.store.address import place
from worker.store.clock import read_clock
from worker.store.engine import create_engine, is_pooled, read_only
from worker.store.facts import fallen_fences
from worker.store.faults import translated
from worker.store.keyring import Keyring, NoKeyring
from worker.store.ledger import SqlLedger
from worker.store.writes import write_nothing


class Database:
    """
    The configured database, whatever state it is in; closed at the end of its `with` block.

    Raises `SettingsError` for an address that is none.
    """

    def __init__(self, url: str, application_name: str = "payouts") -> None:
        try:
            self.engine: sa.Engine = create_engine(url, application_name)
        except ValueError as error:
            raise SettingsError(f"PAYOUTS_DATABASE_URL: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """
        Close every idle connection.
        """
        self.engine.dispose()

    @translated()
    def check_writable(self) -> None:
        """
        Do nothing if its tables can be written. Raises `StoreUnavailable` or `StoreFault`.
        """
        with self.engine.begin() as conn:
            write_nothing(conn)

    @translated()
    def fallen_fences(self) -> Sequence[str]:
        """
        The tables whose facts could be changed by mistake: a trigger of theirs is not there.
        """
        with read_only(self.engine).begin() as conn:
            return fallen_fences(conn)

    @translated()
    def is_pooled(self) -> bool:
        """
        Whether a pooler is in between, which gives each transaction another session.
        """
        with read_only(self.engine).begin() as conn:
            return is_pooled(conn)

    @translated()
    def now(self) -> datetime:
        """
        The database's clock, aware UTC.
        """
        with read_only(self.engine).begin() as conn:
            return read_clock(conn)

    def revision(self) -> str | None:
        """
        The revision of its tables; None if it has none.
        """
        return revision.current(self.engine)

    def profile(self) -> str | None:
        """
        The profile that it belongs to; None before it was first used.
        """
        return installation.recorded_profile(self.engine)

    def check_keyring(self, keyring: Keyring) -> None:
        """
        Look whether the keyring has all keys in use. Raises `WrongKey` or `BrokenSeal`.
        """
        keys.check_keyring(self.engine, keyring)

    def ledger(self, keyring: Keyring) -> SqlLedger:
        """
        The ledger in it, without a look at whether this program may use it.
        """
        return SqlLedger(self.engine, keyring)

    def checked_ledger(self, profile: str, keyring: Keyring) -> SqlLedger:
        """
        The ledger in it, its tables current and its profile and keys ours.

        Raises `SettingsError`, `ProfileMismatch` or `WrongKey`.
        """
        self._check_tables()
        installation.ensure_profile(self.engine, profile)
        keys.ensure_keyring(self.engine, keyring)
        return self.ledger(keyring)

    def keyless_ledger(self, profile: str) -> SqlLedger:
        """
        The ledger in it for who only reads, and what is sealed stays so; nothing is written.

        Raises `SettingsError` or `ProfileMismatch`.
        """
        self._check_tables()
        installation.check_profile(self.engine, profile)
        return self.ledger(NoKeyring())

    def _check_tables(self) -> None:
        if not revision.is_usable(self.engine):
            raise SettingsError(f"the database {place(self.engine.url)} {self._misfit()}")

    def _misfit(self) -> str:
        found, needed = self.revision(), revision.EXPECTED
        if found is not None and found > needed:
            return (
                f"has tables of revision {found}, which this version, of {needed}, may not work on:"
                " run the version that made them"
            )
        has = "has no tables" if found is None else f"has tables of revision {found}"
        return f"{has}, and this version needs those of {needed}: run `payouts migrate`"

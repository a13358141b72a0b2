"""
What is sealed in a database, each content bound to its place there.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from worker.payouts.errors import BadKeyring, StoreFault
from worker.store.keyring import Keyring, is_bound, key_of
from worker.store.tables import installation
from worker.store.types import ForeignText, Sealed

#: So often a process looks whether things are to be sealed otherwise, in seconds.
LOOK_AGAIN_S = 10.0

_SAMPLE = sa.select(installation.c.seals_uid, installation.c.sealed_sample)

#: A row as it was read, or as it is to be written.
Row = Mapping[str, Any] | sa.RowMapping


class Manner(NamedTuple):
    """
    How content is sealed from now on: with which key, and whether it is bound to its place.
    """

    key_id: str
    is_bound: bool


class Seals:
    """
    A keyring at work in one database. What it seals is sealed as the installation's sample is.

    So one row says for all processes which key seals, and whether all of them read bound seals. A
    process that lacks the sample's key goes on with its own newest.
    """

    def __init__(self, keyring: Keyring, steady: Callable[[], float] = time.monotonic) -> None:
        self.keyring = keyring
        self._steady = steady
        self._look_at = steady()
        self._uid: str | None = None
        self._manner: Manner | None = None

    def is_due(self, *, to_seal: bool = True) -> bool:
        """
        Whether the sample is to be looked at before something is opened, or sealed too.
        """
        return self._uid is None or (to_seal and self._steady() >= self._look_at)

    def look(self, conn: sa.Connection) -> None:
        """
        Read which installation this is, and how things are sealed in it.
        """
        found = conn.execute(_SAMPLE).one_or_none()
        self._look_at = self._steady() + LOOK_AGAIN_S
        if found is not None:
            self._manner = _manner(self.keyring, found.sealed_sample)
            self._uid = found.seals_uid

    def begin_newest(self) -> str:
        """
        Seal with the keyring's newest key from now on, and bind all to its place; return its id.
        """
        self._manner = Manner(self.keyring.ids[0], is_bound=True)
        return self._manner.key_id

    @property
    def key_id(self) -> str | None:
        """
        The key that seals what is new, and binds it; None while nothing is bound.
        """
        if self._manner is None or not self._manner.is_bound:
            return None
        return self._manner.key_id

    def seal(self, column: sa.Column[Any], row: Row, content: bytes | str) -> bytes:
        """
        Seal content of a column, bound to the row that it is for. Raises `BadKeyring`.
        """
        return self.seal_beside(self._place(column, row), content)

    def open(self, column: sa.Column[Any], row: Row) -> bytes:
        """
        What is sealed in a row's column. Raises `WrongKey` or `BrokenSeal`.
        """
        return self.keyring.open(row[column.name], self._place(column, row))

    def seal_beside(self, beside: bytes, content: bytes | str) -> bytes:
        """
        Seal content that lies outside the database, bound to what lies there. Raises `BadKeyring`.
        """
        if not self.keyring.ids:
            raise BadKeyring("this process holds no key for payee data")
        if self._manner is None:
            raise StoreFault("the database belongs to no profile yet: run `payouts migrate`")
        key_id, bound = self._manner
        if bound:
            return self.keyring.seal(key_id, content, beside)
        return self.keyring.seal_unbound(key_id, content)

    def _place(self, column: sa.Column[Any], row: Row) -> bytes:
        assert isinstance(column.type, Sealed)
        of = column.table.c
        facts = (_plain(of[name], row.get(name)) for name in column.type.bound_to)
        return json.dumps([self._uid, column.table.name, column.name, *facts]).encode()


def _manner(keyring: Keyring, sample: bytes | None) -> Manner:
    newest = next(iter(keyring.ids), "")
    if sample is None:
        return Manner(newest, is_bound=True)
    if not is_bound(sample):
        opening = keyring.unbound_key(sample)
        return Manner(opening or newest, is_bound=False)
    named = key_of(sample)
    return Manner(named if named in keyring.ids else newest, is_bound=True)


def _plain(column: sa.Column[Any], value: object) -> Any:
    """
    A value as it is both before it is stored and when it is read again.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str) and isinstance(column.type, ForeignText):
        return ForeignText.escaped(value)
    return value

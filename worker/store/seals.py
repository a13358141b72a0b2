"""
What is sealed in a database, each content bound to its place there.
"""

import json
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from worker.payouts.errors import BadKeyring, SealError, StoreFault
from worker.payouts.model import Payee
from worker.store.keyring import NEWEST, Form, Keyring, form_of, key_of
from worker.store.tables import installation
from worker.store.types import ForeignText, Sealed

#: So often a process looks whether things are to be sealed otherwise, in seconds.
LOOK_AGAIN_S = 10.0

_SAMPLE = sa.select(installation.c.seals_uid, installation.c.sealed_sample)

#: A row as it was read, or as it is to be written.
Row = Mapping[str, Any] | sa.RowMapping


class Manner(NamedTuple):
    """
    How content is sealed from now on: with which key, and how.
    """

    key_id: str
    form: Form


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
        Seal with the keyring's newest key from now on, in the newest form; return its id.
        """
        self._manner = Manner(self.keyring.ids[0], NEWEST)
        return self._manner.key_id

    @property
    def key_id(self) -> str | None:
        """
        The key that seals what is new in the newest form; None while none does.
        """
        if self._manner is None or self._manner.form is not NEWEST:
            return None
        return self._manner.key_id

    def is_known(self, form: Form) -> bool:
        """
        Whether all processes that may work here read what is sealed in that form.
        """
        return self._manner is not None and self._manner.form >= form

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

    def vouch(self, column: sa.Column[Any], row: Row, beside: str = "") -> bytes:
        """
        A seal with hardly a content: nobody without a key can write one that fits the row.

        In a form that vouches, whatever else is sealed: what has such a seal never goes without.
        """
        key_id, form = self._sealing()
        return self.keyring.seal(key_id, beside, self._place(column, row), max(form, Form.VOUCHED))

    def vouches(self, column: sa.Column[Any], row: Row, beside: str | None = None) -> bool:
        """
        Whether the seal in that column fits the row, and what was beside it, if that is told.
        """
        try:
            content = self.open(column, row)
        except SealError:
            return False
        return beside is None or content == beside.encode()

    def seal_beside(self, beside: bytes, content: bytes | str) -> bytes:
        """
        Seal content that lies outside the database, bound to what lies there. Raises `BadKeyring`.
        """
        key_id, form = self._sealing()
        if form is Form.UNBOUND:
            return self.keyring.seal_unbound(key_id, content)
        return self.keyring.seal(key_id, content, beside, form)

    def payee_digest(self, payee: Payee) -> str:
        """
        By what a payee is found again: a keyed digest of account number and name.

        Under the key that seals what is new. Raises `BadKeyring`.
        """
        return self.keyring.digests(self._identity(payee))[self._sealing().key_id]

    def payee_digests(self, payee: Payee) -> Sequence[str]:
        """
        All that a payee may have been stored by: its digest under each key.
        """
        return [*self.keyring.digests(self._identity(payee)).values()]

    def _identity(self, payee: Payee) -> bytes:
        name = "".join(unicodedata.normalize("NFKC", payee.account_name).split())
        return json.dumps([self._uid, "payee", payee.account_no, name]).encode()

    def _sealing(self) -> Manner:
        if not self.keyring.ids:
            raise BadKeyring("this process holds no key for payee data")
        if self._manner is None:
            raise StoreFault("the database belongs to no profile yet: run `payouts migrate`")
        return self._manner

    def _place(self, column: sa.Column[Any], row: Row) -> bytes:
        assert isinstance(column.type, Sealed)
        of, kind = column.table.c, column.type
        facts = [_plain(of.get(name), row.get(name)) for name in kind.bound_to]
        # What versions before did not know of is named where there is any.
        facts += [row[name] for name in kind.and_to if row.get(name) is not None]
        facts += [[name, row[name]] for name in kind.named if row.get(name) is not None]
        return json.dumps([self._uid, column.table.name, column.name, *facts]).encode()


def _manner(keyring: Keyring, sample: bytes | None) -> Manner:
    newest = next(iter(keyring.ids), "")
    if sample is None:
        return Manner(newest, NEWEST)
    form = form_of(sample)
    named = keyring.unbound_key(sample) if form is Form.UNBOUND else key_of(sample)
    return Manner(named if named in keyring.ids else newest, form)


def _plain(column: sa.Column[Any] | None, value: object) -> Any:
    """
    A value as it is both before it is stored and when it is read again.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str) and column is not None and isinstance(column.type, ForeignText):
        return ForeignText.escaped(value)
    return value

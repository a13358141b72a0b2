"""
The controls that people set, and what is in force.

The installation's sealed sample vouches for all changes together: it holds a digest of their rows.
So whoever looks reads one value, and the rows only where that has changed.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.control_change import (
    ChangeKind,
    ControlChange,
    Controls,
    NewChange,
    ProducerLimits,
)
from worker.payouts.errors import BrokenSeal, SealError
from worker.payouts.masking import mask
from worker.payouts.person import Person
from worker.payouts.policy.control_changes import in_force
from worker.store import rows
from worker.store.control_tables import control_changes
from worker.store.keyring import Form
from worker.store.seals import Seals
from worker.store.tables import installation, payouts
from worker.store.writes import insert_new

_SAMPLE = sa.select(installation.c.profile, installation.c.sealed_sample)
_CHANGES = sa.select(control_changes).order_by(control_changes.c.id)

#: What the sample holds where nothing was ever changed.
_NOTHING = b"payouts"

#: Sealed anew with each key; bound to its row, which the digest is of.
_LEFT_OUT = frozenset({"sealed_payee"})


class ControlRegister:
    """
    What is in force, as a transaction sees it. What was read is kept until the sample changes.
    """

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._known: tuple[tuple[object, ...], Controls] = ((), Controls())

    def read(self, conn: sa.Connection) -> Controls:
        """
        The controls in force. Raises `BrokenSeal` where the records are not what was written.
        """
        found = conn.execute(_SAMPLE).mappings().one_or_none()
        if found is None:
            return Controls()
        (state, controls), now = self._known, (found["profile"], found["sealed_sample"])
        if state == now:
            return controls
        if state and found["sealed_sample"] is None:
            raise BrokenSeal
        changes = conn.execute(_CHANGES).mappings().all()
        if not is_vouched_for(found, changes, self._seals):
            if conn.execute(_SAMPLE).mappings().one_or_none() != found:
                return self.read(conn)  # someone changed them between the two statements
            raise BrokenSeal
        controls = in_force(to_change(row, self._seals) for row in changes)
        self._known = now, controls
        return controls


def is_vouched_for(sample: RowMapping, changes: Sequence[RowMapping], seals: Seals) -> bool:
    """
    Whether the changes are what was written. Raises `SealError` where the sample does not open.
    """
    if sample["sealed_sample"] is None:
        return not changes
    return seals.open(installation.c.sealed_sample, sample) == content_of(changes)


def content_of(changes: Sequence[RowMapping]) -> bytes:
    """
    What the sample holds for these changes.
    """
    if not changes:
        return _NOTHING
    facts = [[_plain(row[name]) for name in row if name not in _LEFT_OUT] for row in changes]
    return _NOTHING + b" " + hashlib.sha256(json.dumps(facts).encode()).hexdigest().encode()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def check_fresh(conn: sa.Connection) -> None:
    """
    Raise `BrokenSeal` for a database whose sample someone took away: what it vouched for is lost.
    """
    first = sa.func.substr(payouts.c.sealed_payee, 1, 1, type_=sa.LargeBinary)
    sealed = first.in_([bytes([form]) for form in Form if form >= Form.VOUCHED])
    if conn.execute(sa.select(payouts.c.id).where(sealed).limit(1)).first() is not None:
        raise BrokenSeal("the sealed sample was taken away: restore `installation` from a backup")


def read_changes(conn: sa.Connection) -> Sequence[RowMapping]:
    """
    All changes, oldest first.
    """
    return conn.execute(_CHANGES).mappings().all()


def hold_sample(conn: sa.Connection) -> RowMapping:
    """
    Hold the installation's row, as whoever changes controls does first; return it.
    """
    return conn.execute(_SAMPLE.with_for_update()).mappings().one()


def vouch(conn: sa.Connection, sample: RowMapping, seals: Seals) -> None:
    """
    Have the sample, which is held, vouch for the changes as they stand.
    """
    # As things are sealed now, and not as this process last saw.
    seals.look(conn)
    content = content_of(read_changes(conn))
    sealed = seals.seal(installation.c.sealed_sample, sample, content)
    conn.execute(sa.update(installation).values(sealed_sample=sealed))


def insert_change(
    conn: sa.Connection, change: NewChange, person: Person, now: datetime, seals: Seals
) -> int:
    """
    Write down what a person wants changed; return its id.
    """
    named: dict[str, Any] = {"uid": secrets.token_hex(16), "kind": change.kind}
    account = change.account_no
    sealed = seals.seal(control_changes.c.sealed_payee, named, account or "")
    made = insert_new(
        conn,
        control_changes,
        **named,
        producer=change.producer,
        largest_fen=change.limits.largest_fen,
        day_fen=change.limits.day_fen,
        new_payees=change.limits.new_payees,
        removes=change.removes,
        payee_masked=account and mask(account),
        sealed_payee=sealed,
        why=change.why,
        **rows.person_columns("proposed", person),
        proposed_at=now,
        unchecked=False,
    )
    assert made is not None
    return made


def to_change(row: RowMapping, seals: Seals | None = None) -> ControlChange:
    """
    A change as it is on record, without whom it denies unless there are seals.

    Raises `SealError`.
    """
    account_no = None
    if seals is not None and row["kind"] is ChangeKind.DENY and row["voided_at"] is None:
        account_no = seals.open(control_changes.c.sealed_payee, row).decode()
    return ControlChange(
        id=row["id"],
        change=NewChange(
            kind=row["kind"],
            why=row["why"],
            producer=row["producer"],
            limits=ProducerLimits(row["largest_fen"], row["day_fen"], row["new_payees"]),
            account_no=account_no,
            removes=row["removes"],
        ),
        proposed_by=rows.to_person(row, "proposed"),
        proposed_at=row["proposed_at"],
        payee_masked=row["payee_masked"],
        approved_by=None if row["approved_at"] is None else rows.to_person(row, "approved"),
        approved_at=row["approved_at"],
        unchecked=row["unchecked"],
        voided_at=row["voided_at"],
        voided_why=row["voided_why"],
    )


def opens(row: RowMapping, seals: Seals) -> bool:
    """
    Whether it can be read whom a change denies.
    """
    try:
        to_change(row, seals)
    except SealError:
        return False
    return True

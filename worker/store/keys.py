"""
The keys that a database is sealed with: begun, counted, and retired once nothing needs them.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NotAllowed, SealError, WrongKey
from worker.payouts.sealing_key import SealingKey
from worker.store.base import Base
from worker.store.bulk import BulkUpdate
from worker.store.clock import DATABASE_CLOCK, Clock, read_clock
from worker.store.controls import check_fresh
from worker.store.engine import read_only
from worker.store.faults import translated
from worker.store.history import read_history
from worker.store.installation import raise_oldest_program
from worker.store.key_tables import sealing_keys
from worker.store.keyring import NEWEST, PREFIX_BYTES, Form, Keyring, form_of, key_of, prefix_of
from worker.store.metadata import metadata
from worker.store.renewal import first_vouching
from worker.store.revision import OLDEST_WITH_CHAINS
from worker.store.rows import to_payee
from worker.store.seals import LOOK_AGAIN_S, Seals
from worker.store.tables import installation, payouts
from worker.store.types import Sealed
from worker.store.writes import insert_new

#: Until then some process may still seal with the key before: one that began a transaction as late
#: as it could.
_LAST_SEAL = timedelta(seconds=LOOK_AGAIN_S + 50)

_IN_USE = sealing_keys.c.retired_at.is_(None)

#: Sealed columns by table, but for the sample, which says how the others are sealed. What belongs
#: to others comes before those.
SEALED: Mapping[sa.Table, tuple[sa.Column[Any], ...]] = {
    table: columns
    for table in reversed(metadata.sorted_tables)
    if table is not installation
    and (columns := tuple(c for c in table.c if isinstance(c.type, Sealed)))
}


_NOT_AGAIN = "nothing vouches for rows that {} sealed before this version, as long as it is there"

_HISTORY = ("begun_at", "begun_by", "retired_at", "retired_by")


@translated()
def ensure_keyring(engine: sa.Engine, keyring: Keyring, clock: Clock = DATABASE_CLOCK) -> None:
    """
    Seal a sample into a fresh database; check the keyring as `check_keyring` does.

    So a wrong keyring is found at start, before anything is sealed with it. A database that has a
    sample is only read.
    """
    sample = sa.select(installation.c.sealed_sample)
    with read_only(engine).begin() as conn:
        is_fresh = conn.scalar(sample) is None
    if is_fresh:
        with engine.begin() as conn:
            if conn.scalar(sample.with_for_update()) is None:
                check_fresh(conn)
                _begin_key(conn, Seals(keyring), None, read_clock(conn, clock))
    check_keyring(engine, keyring)


@translated()
def check_keyring(engine: sa.Engine, keyring: Keyring) -> None:
    """
    Raise `WrongKey` if the keyring lacks a key in use, which it names.

    Raises `BrokenSeal` if the sample is another installation's. In a fresh database none is.
    """
    seals = Seals(keyring)
    with read_only(engine).begin() as conn:
        seals.look(conn)
        row = conn.execute(sa.select(installation)).mappings().one_or_none()
        in_use = {*conn.scalars(sa.select(sealing_keys.c.id).where(_IN_USE))}
    if missing := in_use - {*keyring.ids}:
        raise WrongKey(f"{_named(missing)} not in the keyring")
    if row is not None and row["sealed_sample"] is not None:
        seals.open(installation.c.sealed_sample, row)


def _named(ids: set[str]) -> str:
    listed = ", ".join(sorted(ids))
    return f"the keys {listed} are" if len(ids) > 1 else f"the key {listed} is"


def _begin_key(conn: sa.Connection, seals: Seals, who: str | None, now: datetime) -> str:
    """
    Seal with the newest key from now on, and vouch for rows; return its id.

    Older versions of the program cannot read that. What they sealed names no key: so each that is
    here counts as used, until it is retired.
    """
    row = conn.execute(sa.select(installation).with_for_update()).mappings().one()
    seals.look(conn)
    before = row["sealed_sample"]
    # What it holds vouches for the controls, whatever seals it.
    content = b"payouts" if before is None else seals.open(installation.c.sealed_sample, row)
    key_id = seals.begin_newest()
    known = {one["id"]: one for one in conn.execute(sa.select(sealing_keys)).mappings()}
    if key_id in known and known[key_id]["retired_at"] is not None:
        raise NotAllowed(f"the key {key_id} was retired: put a new one in front of the keyring")
    begun = {"begun_at": now, "begun_by": who}
    if before is not None and (form := form_of(before)) is not NEWEST:
        is_unbound = form is Form.UNBOUND
        sealed_by = seals.keyring.unbound_key(before) if is_unbound else key_of(before)
        if sealed_by == key_id:
            raise NotAllowed(f"put a new key in front of the keyring: {_NOT_AGAIN.format(key_id)}")
        for other in seals.keyring.ids[1:] if is_unbound else ():
            insert_new(conn, sealing_keys, id=other, begun_at=now)
    if insert_new(conn, sealing_keys, id=key_id, **begun) is None:
        conn.execute(sa.update(sealing_keys).where(sealing_keys.c.id == key_id).values(**begun))
    sample = seals.seal(installation.c.sealed_sample, row, content)
    conn.execute(sa.update(installation).values(sealed_sample=sample))
    raise_oldest_program(conn, OLDEST_WITH_CHAINS)
    return key_id


def with_its_payout(table: sa.Table) -> sa.Select[Any]:
    """
    A table's rows, with what those are bound to of the payout that they belong to.
    """
    kinds = (column.type for column in SEALED[table])
    wanted = {name for kind in kinds if isinstance(kind, Sealed) for name in kind.bound_to}
    missing = sorted(wanted - {*table.c.keys()})
    if not missing:
        return sa.select(table)
    return sa.select(table, *(payouts.c[name] for name in missing)).join(
        payouts, payouts.c.id == table.c.payout_id
    )


def _begins(column: sa.Column[Any]) -> sa.ColumnElement[bytes]:
    return sa.func.substr(column, 1, PREFIX_BYTES, type_=sa.LargeBinary)


class KeyStore(Base):
    """
    What is done with keys.
    """

    def sealing_keys(self) -> Sequence[SealingKey]:
        """
        The keys of the keyring, newest first, and those that are used or were; reads every seal.
        """
        with self._snapshot() as conn:
            sample = conn.scalar(sa.select(installation.c.sealed_sample))
            counts = _count(conn)
            known = {row["id"]: row for row in conn.execute(sa.select(sealing_keys)).mappings()}
        current = None if sample is None else key_of(sample)
        here = self._seals.keyring.ids
        ids: list[str | None] = [*dict.fromkeys((*here, *known, *counts))]
        return [
            SealingKey(
                key_id,
                counts.get(key_id, 0),
                key_id in here,
                key_id is not None and key_id == current,
                **{name: known[key_id][name] for name in _HISTORY if key_id in known},
            )
            for key_id in ids
        ]

    def begin_key(self, who: str) -> str:
        """
        Have all processes seal with the keyring's newest key from now on; return its id.

        Raises `NotAllowed` for one that was retired.
        """
        with self._writing() as (conn, now):
            return _begin_key(conn, self._seals, who, now)

    def count_stale_seals(self) -> int:
        """
        How many rows hold what another key seals, or none that it names.
        """
        with self._snapshot() as conn:
            counted = (
                conn.scalar(
                    sa.select(sa.func.count()).select_from(table).where(self._is_stale(table))
                )
                for table in SEALED
            )
            return sum(count or 0 for count in counted)

    def reseal(self, limit: int) -> Iterator[int]:
        """
        Seal with the current key what another one seals; each time tell how many rows were done.

        So many in one transaction each, so that it can be ended at any time and begun anew. Rows
        that others hold at this moment, and those that no key opens, are passed over.
        """
        for table in SEALED:
            after: int | None = 0
            while after is not None:
                after, done = self._reseal(table, after, limit)
                yield done

    def _reseal(self, table: sa.Table, after: int, limit: int) -> tuple[int | None, int]:
        stale = (
            with_its_payout(table)
            .where(table.c.id > after, self._is_stale(table))
            .order_by(table.c.id)
            .limit(limit)
            .with_for_update(key_share=True, skip_locked=True, of=table)
        )
        with self._transaction() as conn:
            found = conn.execute(stale).mappings().all()
            rows = [fresh for row in found if (fresh := self._fresh(conn, table, row))]
            if rows:
                BulkUpdate(table, {"row": table.c.id}).execute(conn, rows)
        return found[-1]["id"] if len(found) == limit else None, len(rows)

    def _fresh(
        self, conn: sa.Connection, table: sa.Table, row: RowMapping
    ) -> Mapping[str, object] | None:
        """
        What a row's sealed columns shall hold; None if one of them cannot be opened.
        """
        named: dict[str, object] = {}
        if "uid" in table.c:
            named = {"uid": row["uid"] or secrets.token_hex(16)}
        if table is payouts:
            # Told of each, since all rows that are written at once give the same columns.
            named = {"history": row["history"] or str(read_history(conn, row["id"]))}
        fresh: dict[str, object] = {"row": row["id"], **named}
        for column in SEALED[table]:
            fresh[column.name] = None
            if row[column.name] is not None:
                try:
                    content = self._seals.open(column, row)
                except SealError:
                    return None
                fresh[column.name] = self._seals.seal(column, {**row, **named}, content)
        if table is not payouts:
            return fresh
        counts = {"attempt_count": row["attempt_count"], "message_count": row["message_count"]}
        payee = to_payee(row, self._seals)
        fresh["payee_digest"] = self._seals.payee_digest(payee)
        if row["seal"] is None:
            if (first := first_vouching(conn, row, self._seals)) is None:
                return None
            return {**fresh, **first}
        return {**fresh, **counts}

    def _is_stale(self, table: sa.Table) -> sa.ColumnElement[bool]:
        assert self._seals.key_id is not None
        current = prefix_of(self._seals.key_id, NEWEST)
        return sa.or_(*(_begins(column) != current for column in SEALED[table]))

    def retire_key(self, key_id: str, who: str) -> None:
        """
        Let no process need a key at its start any more. Raises `NotAllowed` while something does.
        """
        with self._writing() as (conn, now):
            sample = conn.scalar(sa.select(installation.c.sealed_sample).with_for_update())
            known = {row["id"]: row for row in conn.execute(sa.select(sealing_keys)).mappings()}
            if key_id not in known:
                raise NotAllowed(f"nothing was ever sealed with a key {key_id}")
            if sample is None or key_of(sample) == key_id:
                raise NotAllowed(f"the key {key_id} seals what is new: `payouts keys rotate` first")
            counts = _count(conn)
            if count := counts.get(key_id, 0) + counts.get(None, 0):
                raise NotAllowed(f"{count} seals need it: `payouts keys rotate` seals them anew")
            last = max(row["begun_at"] for row in known.values()) + _LAST_SEAL
            if now < last:
                raise NotAllowed("a process may just be sealing with it", possible_from=last)
            retired = sa.update(sealing_keys).where(sealing_keys.c.id == key_id, _IN_USE)
            conn.execute(retired.values(retired_at=now, retired_by=who))


def _count(conn: sa.Connection) -> dict[str | None, int]:
    """
    How many contents each key seals; under None, those that name none.
    """
    found: dict[str | None, int] = {}
    for columns in SEALED.values():
        for column in columns:
            begins = _begins(column).label("begins")
            counted = sa.select(begins, sa.func.count()).where(column.is_not(None))
            for prefix, count in conn.execute(counted.group_by(begins)).all():
                key_id = key_of(bytes(prefix))
                found[key_id] = found.get(key_id, 0) + count
    return found

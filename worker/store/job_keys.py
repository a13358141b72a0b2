"""
Keys for jobs: kept under a seal that vouches for whose they are, and for whether they count.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NotAllowed, SealError
from worker.payouts.job_keys import JobKey, KeyKind, name_key
from worker.payouts.person import Person
from worker.payouts.policy.two_people import check_second
from worker.payouts.profile import is_play_money
from worker.store.base import Base
from worker.store.bindings import JOB_KEY
from worker.store.installation import raise_oldest_program
from worker.store.people import read_register
from worker.store.producer_rows import read_enabled
from worker.store.producer_tables import job_keys
from worker.store.revision import OLDEST_WITH_SEALED_JOBS
from worker.store.rows import person_columns, to_person
from worker.store.seals import Seals
from worker.store.tables import installation
from worker.store.writes import insert_new

_KEYS = sa.select(job_keys)
_NAMED = _KEYS.where(job_keys.c.name.in_(sa.bindparam("names", expanding=True)))
_PROFILE = sa.select(installation.c.profile)
_AS_THEY_ARE = (
    *("name", "kind", "producer", "added_at", "approved_at"),
    *("retired_by", "retired_why", "retired_at"),
)


class JobKeys(Base):
    """
    The register. No key is forgotten: payouts that came with it are compared with its seal.
    """

    def add_job_key(
        self, producer: str | None, kind: KeyKind, material: bytes, person: Person
    ) -> JobKey:
        """
        Keep a key of a producer, or of our own; it counts once another person approves it.

        In the sandbox it counts at once, and so does one of our own, by which nobody is let in.
        From the first one on no older version of the program may work on this database, which
        would not know what such jobs are. Raises `NoSuchProducer` or `NotAllowed`.
        """
        with self._writing() as (conn, now):
            raise_oldest_program(conn, OLDEST_WITH_SEALED_JOBS)  # and holds all who add one
            if producer is not None:
                read_enabled(conn, producer)
            taken = conn.scalar(
                sa.select(sa.func.count()).where(job_keys.c.producer.is_not_distinct_from(producer))
            )
            counts = producer is None or is_play_money(conn.scalar(_PROFILE))
            key = JobKey(
                name_key(producer, (taken or 0) + 1),
                kind,
                producer,
                material,
                added_by=person,
                added_at=now,
                approved_by=person if counts else None,
                approved_at=now if counts else None,
            )
            if insert_new(conn, job_keys, **_columns(key, self._seals)) is None:
                raise NotAllowed(f"there is a key {key.name} already: someone wrote it beside us")
            return key

    def approve_job_key(self, name: str, person: Person) -> JobKey:
        """
        Let a key count. Raises `NotAllowed`.
        """
        with self._writing() as (conn, now):
            key = _held(conn, name, self._seals)
            if key.approved_at is not None or key.retired_at is not None:
                raise NotAllowed(f"the key {name} waits for nobody")
            profile = conn.scalar(_PROFILE)
            check_second(key.added_by, person, read_register(conn), profile)
            return _write(conn, replace(key, approved_by=person, approved_at=now), self._seals)

    def retire_job_key(self, name: str, who: str, why: str) -> JobKey:
        """
        Let a key open no new job. Raises `NotAllowed`.
        """
        with self._writing() as (conn, now):
            key = _held(conn, name, self._seals)
            if key.retired_at is not None:
                raise NotAllowed(f"the key {name} is retired already")
            return _write(conn, _retired(key, who, why, now), self._seals)

    def job_keys(self, producer: str | None = None) -> Sequence[JobKey]:
        """
        All keys, or those of one producer, oldest first; also what nobody of us wrote.
        """
        wanted = _KEYS if producer is None else _KEYS.where(job_keys.c.producer == producer)
        with self._snapshot() as conn:
            found = conn.execute(wanted.order_by(job_keys.c.id)).mappings().all()
            return [_key(row, self._seals) for row in found]

    def job_key(self, name: str) -> JobKey | None:
        """
        The key that is called so, retired or not. None where there is none, or none that we wrote.
        """
        with self._snapshot() as conn:
            return read_keys(conn, [name], self._seals).get(name)


def read_keys(conn: sa.Connection, names: Collection[str], seals: Seals) -> Mapping[str, JobKey]:
    """
    Those of some keys that are here, and are what was written.
    """
    if not names:
        return {}
    found = conn.execute(_NAMED, {"names": [*names]}).mappings().all()
    keys = (_key(row, seals) for row in found)
    return {key.name: key for key in keys if key.is_intact}


def retire_keys_of(
    conn: sa.Connection, producer: str, who: str, why: str, now: datetime, seals: Seals
) -> None:
    """
    Let none of a producer's keys open a new job.
    """
    own = _KEYS.where(job_keys.c.producer == producer, job_keys.c.retired_at.is_(None))
    for row in conn.execute(own.with_for_update()).mappings().all():
        key = _key(row, seals)
        if key.is_intact:
            _write(conn, _retired(key, who, why, now), seals)


def _retired(key: JobKey, who: str, why: str, now: datetime) -> JobKey:
    return replace(key, retired_by=who, retired_why=why, retired_at=now)


def _held(conn: sa.Connection, name: str, seals: Seals) -> JobKey:
    wanted = _KEYS.where(job_keys.c.name == name).with_for_update()
    row = conn.execute(wanted).mappings().one_or_none()
    if row is None:
        raise NotAllowed(f"there is no key {name}; `payouts producers keys` tells them")
    key = _key(row, seals)
    if not key.is_intact:
        raise NotAllowed(f"the key {name} is not what was registered: add another one")
    return key


def _write(conn: sa.Connection, key: JobKey, seals: Seals) -> JobKey:
    own = sa.update(job_keys).where(job_keys.c.name == key.name)
    conn.execute(own.values(**_columns(key, seals)))
    return key


def _columns(key: JobKey, seals: Seals) -> dict[str, Any]:
    facts: dict[str, Any] = {
        **{name: getattr(key, name) for name in _AS_THEY_ARE},
        **person_columns("added", key.added_by),
        **(person_columns("approved", key.approved_by) if key.approved_by else {}),
    }
    bound = {name: facts.get(name) for name in JOB_KEY}
    return {**facts, "seal": seals.vouch(job_keys.c.seal, bound, key.material.hex())}


def _key(row: RowMapping, seals: Seals) -> JobKey:
    try:
        material = bytes.fromhex(seals.open(job_keys.c.seal, row).decode())
    except SealError:
        material = None
    return JobKey(
        **{name: row[name] for name in _AS_THEY_ARE},
        material=material or b"",
        added_by=to_person(row, "added"),
        approved_by=None if row["approved_at"] is None else to_person(row, "approved"),
        is_intact=material is not None,
    )

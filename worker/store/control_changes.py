"""
What people change of the controls: proposed, approved or declined.

Who changes one holds the installation's row first, so that changes come one after the other; then
the producer's day, as whoever claims does last.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.control_change import ChangeKind, ControlChange, Controls, NewChange
from worker.payouts.errors import NoSuchProposal, NotAllowed
from worker.payouts.person import Person
from worker.payouts.policy.control_changes import (
    check_change,
    check_waiting,
    in_force,
    same_subject,
    takes_two_people,
)
from worker.payouts.policy.outside_proof import check_proposer, declined_by
from worker.payouts.policy.two_people import check_second
from worker.payouts.profile import is_play_money
from worker.store.base import Base
from worker.store.control_tables import control_changes
from worker.store.controls import (
    hold_sample,
    insert_change,
    is_vouched_for,
    opens,
    read_changes,
    to_change,
    vouch,
)
from worker.store.installation import raise_oldest_program
from worker.store.people import read_register
from worker.store.producer_days import begin_day
from worker.store.producer_rows import read_producer
from worker.store.revision import OLDEST_WITH_CONTROLS
from worker.store.rows import person_columns


class _Held(NamedTuple):
    """
    The register, held: nobody else changes it.
    """

    sample: RowMapping
    rows: Sequence[RowMapping]
    is_intact: bool

    @property
    def profile(self) -> str:
        """
        Play money or real money.
        """
        profile: str = self.sample["profile"]
        return profile


class ControlChanges(Base):
    """
    The register of limits and of the deny list. Nothing is forgotten: what ended stays on record.
    """

    def controls(self) -> Controls:
        """
        What is in force. Raises `BrokenSeal` where the records are not what was written.
        """
        with self._snapshot() as conn:
            return self._controls.read(conn)

    def control_changes(self) -> Sequence[ControlChange]:
        """
        All changes, newest first, without whom they deny.
        """
        with self._snapshot() as conn:
            return [to_change(row) for row in reversed(read_changes(conn))]

    def change_controls(self, change: NewChange, person: Person) -> ControlChange:
        """
        Change a control, or propose that: what loosens one takes another person's approval.

        Raises `NotAllowed` or `NoSuchProducer`.
        """
        with self._writing() as (conn, now):
            held = self._hold(conn)
            check_proposer(person, read_register(conn), held.profile)
            takes_two = self._check(conn, held, change)
            self._void_others(conn, held, change, now)
            made = insert_change(conn, change, person, now, self._seals)
            if not takes_two or is_play_money(held.profile):
                self._enforce(conn, held, made, person, now, unchecked=takes_two)
            elif held.is_intact:
                vouch(conn, held.sample, self._seals)
            return _read(conn, made)

    def approve_change(self, change_id: int, person: Person) -> ControlChange:
        """
        Let another person's change come into force. Raises `NoSuchProposal` or `NotAllowed`.
        """
        with self._writing() as (conn, now):
            held = self._hold(conn)
            found = _read(conn, change_id)
            check_waiting(found)
            _check_intact(held, found.change)
            checked = check_second(found.proposed_by, person, read_register(conn), held.profile)
            self._enforce(conn, held, change_id, person, now, unchecked=not checked)
            return _read(conn, change_id)

    def decline_change(self, change_id: int, person: Person, why: str) -> ControlChange:
        """
        Let what was proposed count no more. Raises `NoSuchProposal` or `NotAllowed`.
        """
        with self._writing() as (conn, now):
            held = self._hold(conn)
            check_waiting(_read(conn, change_id))
            check_proposer(person, read_register(conn), held.profile)
            _write(conn, change_id, voided_at=now, voided_why=declined_by(person, why))
            if held.is_intact:
                vouch(conn, held.sample, self._seals)
            return _read(conn, change_id)

    def _hold(self, conn: sa.Connection) -> _Held:
        sample, rows = hold_sample(conn), read_changes(conn)
        intact = is_vouched_for(sample, rows, self._seals)
        return _Held(sample, rows, intact and all(opens(row, self._seals) for row in rows))

    def _check(self, conn: sa.Connection, held: _Held, change: NewChange) -> bool:
        """
        Whether a change takes two people. Raises `NotAllowed` if it is none, or not now.
        """
        _check_intact(held, change)
        if change.kind is ChangeKind.CONFIRM:
            return True
        if change.producer is not None:
            read_producer(conn, change.producer)
        known = [to_change(row, self._seals) for row in held.rows]
        check_change(change, known)
        return takes_two_people(change, in_force(known))

    def _void_others(
        self, conn: sa.Connection, held: _Held, change: NewChange, now: datetime
    ) -> None:
        for row in held.rows:
            other = to_change(row)
            if other.waits and same_subject(change, other.change):
                _write(conn, other.id, voided_at=now, voided_why="another was proposed instead")

    def _enforce(
        self,
        conn: sa.Connection,
        held: _Held,
        change_id: int,
        person: Person,
        now: datetime,
        *,
        unchecked: bool,
    ) -> None:
        """
        Bring a change into force, and vouch for the whole register.
        """
        raise_oldest_program(conn, OLDEST_WITH_CONTROLS)
        approved = person_columns("approved", person)
        _write(conn, change_id, **approved, approved_at=now, unchecked=unchecked)
        change = _read(conn, change_id).change
        if change.kind is ChangeKind.LIMITS and change.producer is not None:
            begin_day(conn, change.producer, now, self._seals)
        if change.kind is ChangeKind.CONFIRM:
            self._confirm(conn, held, change_id, now)
        vouch(conn, held.sample, self._seals)

    def _confirm(self, conn: sa.Connection, held: _Held, change_id: int, now: datetime) -> None:
        """
        Let the records count as they stand, but for what waits and for what cannot be read.
        """
        for row in held.rows:
            if row["id"] == change_id or row["voided_at"] is not None:
                continue
            if row["approved_at"] is None or not opens(row, self._seals):
                told = "it was on record when someone had written beside us"
                _write(conn, row["id"], voided_at=now, voided_why=told)
        stands = in_force(to_change(row) for row in read_changes(conn))
        for producer in sorted(stands.limits):
            begin_day(conn, producer, now, self._seals)


def _check_intact(held: _Held, change: NewChange) -> None:
    confirms = change.kind is ChangeKind.CONFIRM
    if confirms and held.is_intact:
        raise NotAllowed("the records are what was written: there is nothing to confirm")
    if not confirms and not held.is_intact:
        raise NotAllowed(
            "someone wrote to the database beside us, and limits or deny list are not what was"
            " written: look at `payouts controls list --all`, then `payouts controls confirm`"
        )


def _write(conn: sa.Connection, change_id: int, **values: Any) -> None:
    conn.execute(
        sa.update(control_changes).where(control_changes.c.id == change_id).values(**values)
    )


def _read(conn: sa.Connection, change_id: int) -> ControlChange:
    found = conn.execute(sa.select(control_changes).where(control_changes.c.id == change_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NoSuchProposal(f"there is no change {change_id}; `payouts controls list` tells them")
    return to_change(row)

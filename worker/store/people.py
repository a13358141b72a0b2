"""
Who may decide about money beside JD's word, and who the service itself is.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from worker.payouts.errors import NotAllowed
from worker.payouts.people import Registered
from worker.payouts.person import Register
from worker.store.base import Base
from worker.store.people_tables import people, services
from worker.store.writes import insert_new

_LISTED = people.c.removed_at.is_(None)


class People(Base):
    """
    The register of users. Nobody is forgotten: who was removed stays on record.
    """

    def add_person(self, uid: int, name: str, who: str, why: str) -> None:
        """
        List a user. Raises `NotAllowed` if they are listed.
        """
        with self._writing() as (conn, now):
            values = {"uid": uid, "name": name, "added_by": who, "added_why": why, "added_at": now}
            if insert_new(conn, people, **values) is None:
                raise NotAllowed(f"uid {uid} is listed already")

    def remove_person(self, uid: int, who: str, why: str) -> None:
        """
        Take a user off the list. Raises `NotAllowed` if they are not on it.
        """
        with self._writing() as (conn, now):
            found = sa.update(people).where(people.c.uid == uid, _LISTED)
            done = conn.execute(found.values(removed_by=who, removed_why=why, removed_at=now))
            if done.rowcount == 0:
                raise NotAllowed(f"uid {uid} is not listed")

    def registered(self) -> Sequence[Registered]:
        """
        The users who are listed, by uid.
        """
        names = ("uid", "name", "added_by", "added_why", "added_at")
        listed = sa.select(*(people.c[name] for name in names)).where(_LISTED)
        with self._snapshot() as conn:
            return [Registered(*row) for row in conn.execute(listed.order_by(people.c.uid))]

    def register(self) -> Register:
        """
        Who may propose, and who may approve.
        """
        with self._snapshot() as conn:
            return read_register(conn)

    def note_service(self, uid: int) -> None:
        """
        Remember as whom a worker runs; once known, it is only read.
        """
        with self._snapshot() as conn:
            if uid in read_register(conn).services:
                return
        with self._writing() as (conn, now):
            insert_new(conn, services, uid=uid, first_seen_at=now)


def read_register(conn: sa.Connection) -> Register:
    """
    Who may decide, as this transaction sees it.
    """
    listed = sa.select(people.c.uid).where(_LISTED)
    return Register(
        frozenset(conn.scalars(listed)), frozenset(conn.scalars(sa.select(services.c.uid)))
    )

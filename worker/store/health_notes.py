"""
What is noted for health to be read from, and which alerts were told.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.health import CertificateKind, Looked, Told
from worker.store.base import Base
from worker.store.health import count_foreign, count_rejected
from worker.store.health_tables import alerts, certificates, foreign_notifications, sweeps
from worker.store.tables import decisions, installation, rejections
from worker.store.writes import insert_new


class HealthNotes(Base):
    """
    Notes of a sweep, a start, a look.
    """

    def end_sweep(self, customer_no: str) -> None:
        """
        Record that a sweep for a merchant ended well just now.
        """
        with self._writing() as (conn, now):
            if insert_new(conn, sweeps, customer_no=customer_no, ended_at=now) is None:
                own = sa.update(sweeps).where(sweeps.c.customer_no == customer_no)
                conn.execute(own.values(ended_at=now))

    def note_certificates(
        self, customer_no: str, valid_until: Mapping[CertificateKind, datetime]
    ) -> None:
        """
        Record until when the certificates are valid that a worker starts with.
        """
        with self._transaction() as conn:
            own = certificates.c.customer_no == customer_no
            conn.execute(sa.delete(certificates).where(own))
            for kind, until in valid_until.items():
                named = {"customer_no": customer_no, "kind": kind, "valid_until": until}
                insert_new(conn, certificates, **named)

    def note_foreign(self, customer_no: str, merchant: str) -> None:
        """
        Count a notification, verified with a merchant's key, that names another merchant.
        """
        named = {"customer_no": customer_no, "merchant": merchant}
        with self._writing() as (conn, now):
            if insert_new(conn, foreign_notifications, **named, seen=1, last_at=now) is None:
                known = sa.update(foreign_notifications).filter_by(**named)
                seen = foreign_notifications.c.seen + 1
                conn.execute(known.values(seen=seen, last_at=now))

    def look(self, customer_no: str, who: str) -> Looked:
        """
        Take all rejections, and all notifications about others, as looked at; return how many.
        """
        with self._writing() as (conn, now):
            looked = Looked(count_rejected(conn), count_foreign(conn, customer_no))
            newest = sa.select(sa.func.max(rejections.c.id)).scalar_subquery()
            conn.execute(sa.update(installation).values(looked_at_rejection=newest))
            own = foreign_notifications.c.customer_no == customer_no
            conn.execute(sa.delete(foreign_notifications).where(own))
            why = f"{looked.rejected} rejections, {looked.foreign} notifications"
            told = {"action": "acknowledged", "who": who, "why": why, "proof": [], "at": now}
            conn.execute(sa.insert(decisions).values(**told))
            return looked

    def tell(self, customer_no: str, current: Collection[str]) -> Told:
        """
        Remember which alerts stand; return those that nobody was told of, and those that are over.

        Of several that tell the same at once, one is returned them.
        """
        own = alerts.c.customer_no == customer_no
        with self._snapshot() as conn:
            known = set(conn.scalars(sa.select(alerts.c.kind).where(own)))
        if known == {*current}:
            return Told()
        with self._writing() as (conn, now):
            named = {"customer_no": customer_no, "began_at": now}
            begun = [k for k in current if k not in known and _is_new(conn, named, k)]
            over = sa.delete(alerts).where(own, alerts.c.kind.in_(known - {*current}))
            return Told(tuple(begun), tuple(sorted(conn.scalars(over.returning(alerts.c.kind)))))


def _is_new(conn: sa.Connection, named: Mapping[str, object], kind: str) -> bool:
    return insert_new(conn, alerts, **named, kind=kind) is not None

"""
Events on their way: announced in one order for all, and delivered in order for each payout.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.endpoint import Delivery, Try, next_try
from worker.store.base import Base
from worker.store.bulk import BulkInsert, BulkUpdate
from worker.store.endpoints import read_endpoints
from worker.store.event_reads import to_event
from worker.store.event_tables import (
    UNANNOUNCED,
    deliveries,
    delivery_tries,
    endpoints,
    events,
)
from worker.store.types import UtcDateTime

_PLACE = BulkUpdate(events, {"event": events.c.id})
_DELIVER = BulkInsert(deliveries)
_NOTE = BulkUpdate(
    deliveries,
    {"delivery": deliveries.c.id},
    deliveries.c.delivered_at.is_(None),
)
_TRIED = BulkInsert(delivery_tries)
_THERE = (
    sa.select(deliveries.c.id, events.c.uid)
    .join(events, events.c.id == deliveries.c.event_id)
    .where(
        sa.tuple_(deliveries.c.id, events.c.uid).in_(sa.bindparam("named", expanding=True)),
    )
)

_NOW = sa.bindparam("now", type_=UtcDateTime)
_older = deliveries.alias("older")
# Of one payout, what happened first is told first: the next one waits until that is done.
_COMES_FIRST = sa.exists().where(
    _older.c.endpoint_id == deliveries.c.endpoint_id,
    _older.c.payout_id == deliveries.c.payout_id,
    _older.c.id < deliveries.c.id,
    sa.text("older.next_at IS NOT NULL"),
)
_DUE = (
    sa.select(deliveries.c.id)
    .where(
        sa.text("deliveries.next_at IS NOT NULL"),
        deliveries.c.endpoint_id == sa.bindparam("endpoint", type_=sa.BigInteger),
        deliveries.c.next_at <= _NOW,
        ~_COMES_FIRST,
    )
    .order_by(deliveries.c.next_at, deliveries.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)


class Outbox(Base):
    """
    What a relay does: every method is one transaction.
    """

    def announce(self, limit: int) -> int:
        """
        Give new events their positions, and a delivery for each endpoint that wants them.

        One transaction at a time does so. The events of one payout are numbered under its lock, so
        whoever sees one sees those before it. Returns how many were announced.
        """
        with self._transaction() as conn:
            now = self._locks.events(conn)
            unannounced = sa.select(events).where(UNANNOUNCED).order_by(events.c.id).limit(limit)
            found = [to_event(row) for row in conn.execute(unannounced).mappings()]
            if not found:
                return 0
            last: int = conn.scalar(sa.select(sa.func.max(events.c.position))) or 0
            _PLACE.execute(
                conn,
                [
                    {"event": event_id, "position": place}
                    for place, (event_id, _) in enumerate(found, last + 1)
                ],
            )
            told = [e for e in read_endpoints(conn, self._seals, now) if e.disabled_at is None]
            rows = [
                _delivery(endpoint.id, event_id, event.payout_id, now)
                for event_id, event in found
                for endpoint in told
                if endpoint.wants(event)
            ]
            if rows:
                _DELIVER.execute(conn, rows)
            return len(found)

    def claim_deliveries(
        self, endpoint_id: int, limit: int, lease: timedelta
    ) -> Sequence[Delivery]:
        """
        Deliveries that are due at an endpoint: nobody else has them until the lease is over.
        """
        with self._writing() as (conn, now):
            named = {"endpoint": endpoint_id, "now": now, "most": limit}
            ids = conn.scalars(_DUE, named).all()
            if not ids:
                return []
            own = deliveries.c.id.in_(ids)
            conn.execute(sa.update(deliveries).where(own).values(next_at=now + lease))
            joined = sa.select(
                deliveries.c.id.label("delivery_id"), deliveries.c.tries, *events.c
            ).join(events, events.c.id == deliveries.c.event_id)
            found = conn.execute(joined.where(own).order_by(deliveries.c.id)).mappings()
            return [
                Delivery(row["delivery_id"], to_event(row)[1], row["tries"], now + lease)
                for row in found
            ]

    def note_tries(self, tries: Sequence[tuple[Delivery, Try]]) -> None:
        """
        Write down what came of deliveries, and when those that failed are tried again.

        Of those that a database which went back has lost nothing is: their ids may be others' now.
        """
        if not tries:
            return
        with self._writing() as (conn, now):
            named = [(delivery.id, delivery.event.uid) for delivery, _ in tries]
            there = {(row.id, row.uid) for row in conn.execute(_THERE, {"named": named})}
            tries = [one for one, name in zip(tries, named, strict=True) if name in there]
            if not tries:
                return
            _NOTE.execute(conn, [_outcome(delivery, made, now) for delivery, made in tries])
            _TRIED.execute(
                conn,
                [
                    {
                        "delivery_id": made.delivery_id,
                        "at": now,
                        "milliseconds": round(made.took.total_seconds() * 1000),
                        "outcome": made.outcome,
                    }
                    for _, made in tries
                ],
            )

    def resend(self, uids: Collection[str], endpoint_id: int | None = None) -> int:
        """
        Deliver announced events once more, to one endpoint or to all that were told of them.

        To an endpoint that was never told of them as well, if it is named. Returns how many
        deliveries are due.
        """
        with self._transaction() as conn:
            now = self._locks.events(conn)
            own = sa.select(events.c.id).where(
                events.c.uid.in_(uids), events.c.position.is_not(None)
            )
            active = sa.select(endpoints.c.id).where(endpoints.c.disabled_at.is_(None))
            if endpoint_id is not None:
                active = active.where(endpoints.c.id == endpoint_id)
                self._add_missing(conn, uids, endpoint_id, now)
            return _deliver_again(conn, own, active, now)

    def resend_since(self, endpoint_id: int, since: datetime) -> int:
        """
        Deliver once more what an endpoint was told of all that happened since.

        Returns how many deliveries are due.
        """
        with self._transaction() as conn:
            now = self._locks.events(conn)
            own = sa.select(events.c.id).where(events.c.at >= since)
            active = sa.select(endpoints.c.id).where(
                endpoints.c.id == endpoint_id, endpoints.c.disabled_at.is_(None)
            )
            return _deliver_again(conn, own, active, now)

    def _add_missing(
        self, conn: sa.Connection, uids: Collection[str], endpoint_id: int, now: datetime
    ) -> None:
        told = sa.exists().where(
            deliveries.c.event_id == events.c.id, deliveries.c.endpoint_id == endpoint_id
        )
        producer = sa.select(endpoints.c.producer).where(
            endpoints.c.id == endpoint_id, endpoints.c.disabled_at.is_(None)
        )
        missing = sa.select(events).where(
            events.c.uid.in_(uids),
            events.c.position.is_not(None),
            events.c.producer == producer.scalar_subquery(),
            ~told,
        )
        found = [to_event(row) for row in conn.execute(missing.order_by(events.c.id)).mappings()]
        if found:
            _DELIVER.execute(
                conn,
                [
                    _delivery(endpoint_id, event_id, event.payout_id, now)
                    for event_id, event in found
                ],
            )


def _deliver_again(
    conn: sa.Connection, own: sa.Select[tuple[int]], active: sa.Select[tuple[int]], now: datetime
) -> int:
    again = sa.update(deliveries).where(
        deliveries.c.event_id.in_(own), deliveries.c.endpoint_id.in_(active)
    )
    values = again.values(due_at=now, next_at=now, tries=0, delivered_at=None)
    return conn.execute(values).rowcount


def _delivery(
    endpoint_id: int, event_id: int, payout_id: int | None, now: datetime
) -> dict[str, object]:
    return {
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "payout_id": payout_id,
        "due_at": now,
        "next_at": now,
        "tries": 0,
    }


def _outcome(delivery: Delivery, made: Try, now: datetime) -> dict[str, object]:
    tries = delivery.tries + 1
    return {
        "delivery": delivery.id,
        "tries": tries,
        "delivered_at": now if made.is_delivered else None,
        "next_at": None if made.is_delivered else next_try(tries, now),
    }

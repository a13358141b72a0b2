"""
Events as they are looked at.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.endpoint import Backlog, Delivery, Tried
from worker.payouts.errors import NoSuchEvent
from worker.payouts.event import Event
from worker.store.base import Base
from worker.store.event_tables import (
    UNANNOUNCED,
    UNDELIVERED,
    deliveries,
    delivery_tries,
    endpoints,
    events,
)


class EventReads(Base):
    """
    What happened, and what became of telling it.
    """

    def events(
        self,
        limit: int,
        *,
        after: int | None = None,
        producer: str | None = None,
        out_trade_no: str | None = None,
    ) -> Sequence[Event]:
        """
        The newest events, the newest first; or, oldest first, those announced after a position.
        """
        wanted = sa.select(events).limit(limit)
        if after is None:
            wanted = wanted.order_by(events.c.id.desc())
        else:
            wanted = wanted.where(events.c.position > after).order_by(events.c.position)
        if producer is not None:
            wanted = wanted.where(events.c.producer == producer)
        if out_trade_no is not None:
            wanted = wanted.where(events.c.out_trade_no == out_trade_no)
        with self._snapshot() as conn:
            return [to_event(row)[1] for row in conn.execute(wanted).mappings()]

    def last_position(self) -> int:
        """
        That of the newest event which was announced; 0 where none was.
        """
        with self._snapshot() as conn:
            return conn.scalar(sa.select(sa.func.max(events.c.position))) or 0

    def unannounced_since(self) -> datetime | None:
        """
        When the oldest event happened that no relay has announced; None if there is none.
        """
        oldest = sa.select(sa.func.min(events.c.at)).where(UNANNOUNCED)
        with self._snapshot() as conn:
            found: datetime | None = conn.scalar(oldest)
            return found

    def event(self, uid: str) -> Event:
        """
        One event. Raises `NoSuchEvent`.
        """
        with self._snapshot() as conn:
            found = conn.execute(sa.select(events).where(events.c.uid == uid)).mappings()
            row = found.one_or_none()
        if row is None:
            raise NoSuchEvent(f"there is no event {uid}")
        return to_event(row)[1]

    def deliveries(self, event: Event) -> Sequence[tuple[str, Delivery, Sequence[Tried]]]:
        """
        Where an event goes, how far it is on its way, and each try.
        """
        of_event = (
            sa.select(deliveries, endpoints.c.address)
            .join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
            .join(events, events.c.id == deliveries.c.event_id)
            .where(events.c.uid == event.uid)
            .order_by(deliveries.c.id)
        )
        tried = sa.select(delivery_tries).order_by(delivery_tries.c.id)
        with self._snapshot() as conn:
            rows = conn.execute(of_event).mappings().all()
            made = {
                row["id"]: [
                    _tried(one)
                    for one in conn.execute(
                        tried.where(delivery_tries.c.delivery_id == row["id"])
                    ).mappings()
                ]
                for row in rows
            }
        return [
            (
                row["address"],
                Delivery(row["id"], event, row["tries"], row["next_at"], row["delivered_at"]),
                made[row["id"]],
            )
            for row in rows
        ]

    def backlogs(self) -> Sequence[Backlog]:
        """
        What each active endpoint has not taken yet.
        """
        waits = sa.and_(deliveries.c.endpoint_id == endpoints.c.id, sa.text("next_at IS NOT NULL"))
        counted = (
            sa.select(
                endpoints.c.id,
                endpoints.c.address,
                sa.func.count(deliveries.c.id),
                sa.func.min(deliveries.c.due_at),
            )
            .select_from(endpoints.outerjoin(deliveries, waits))
            .where(endpoints.c.disabled_at.is_(None))
            .group_by(endpoints.c.id, endpoints.c.address)
            .order_by(endpoints.c.id)
        )
        with self._snapshot() as conn:
            return [Backlog(*row) for row in conn.execute(counted)]


def to_event(row: RowMapping) -> tuple[int, Event]:
    """
    An event and the id of its row.
    """
    event = Event(
        uid=row["uid"],
        type=row["type"],
        at=row["at"],
        producer=row["producer"],
        customer_no=row["customer_no"],
        out_trade_no=row["out_trade_no"],
        epoch=row["epoch"],
        version=row["version"],
        position=row["position"],
        payout_id=row["payout_id"],
        obligation=row["obligation"],
        status=row["status"],
        reason=row["reason"],
        amount_fen=row["amount_fen"],
        returned_fen=row["returned_fen"],
        case=row["case_kind"],
        repayable_from=row["repayable_from"],
        faults=tuple(json.loads(row["faults"] or "[]")),
    )
    return row["id"], event


def _tried(row: RowMapping) -> Tried:
    return Tried(row["at"], row["outcome"], timedelta(milliseconds=row["milliseconds"]))


def unheard_since(conn: sa.Connection) -> datetime | None:
    """
    When the oldest event happened that no relay has announced, if there is an active endpoint.
    """
    wanted = sa.exists().where(endpoints.c.disabled_at.is_(None))
    since: datetime | None = conn.scalar(
        sa.select(sa.func.min(events.c.at)).where(UNANNOUNCED, wanted)
    )
    return since


def longest_waiting(conn: sa.Connection) -> tuple[datetime | None, str]:
    """
    Since when the oldest event waits for an active endpoint, and that endpoint's address.
    """
    waits = (
        sa.select(deliveries.c.due_at, endpoints.c.address)
        .join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
        .where(UNDELIVERED, endpoints.c.disabled_at.is_(None))
        .order_by(deliveries.c.due_at)
        .limit(1)
    )
    row = conn.execute(waits).one_or_none()
    return (None, "") if row is None else (row.due_at, row.address)

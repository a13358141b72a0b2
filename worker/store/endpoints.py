"""
The endpoints that want to hear of events.
"""

import contextlib
import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.errors import NotAllowed, SealError
from worker.payouts.event import EventType
from worker.store.base import Base
from worker.store.clock import read_clock
from worker.store.event_tables import UNDELIVERED, deliveries, endpoints
from worker.store.seals import Seals
from worker.store.writes import insert_new


class Endpoints(Base):
    """
    The register of endpoints. None is forgotten: a disabled one stays on record.
    """

    def add_endpoint(
        self,
        producer: str,
        kind: EndpointKind,
        address: str,
        types: Collection[EventType],
        *,
        is_private: bool = False,
        key: str | None = None,
    ) -> int:
        """
        Have a producer's events told there from now on; return its id.
        """
        uid = secrets.token_hex(16)
        own = {"uid": uid, "producer": producer, "kind": kind, "address": address}
        with self._writing() as (conn, now):
            made = insert_new(
                conn,
                endpoints,
                **own,
                types=sorted(types),
                is_private=is_private,
                sealed_key=key and self._seals.seal(endpoints.c.sealed_key, own, key),
                created_at=now,
            )
            assert made is not None
            return made

    def rotate_key(self, endpoint_id: int, key: str, overlap: timedelta) -> None:
        """
        Sign with another key; the one before signs as well for a while. Raises `NotAllowed`.
        """
        new, before = endpoints.c.sealed_key, endpoints.c.sealed_key_before
        own = sa.select(endpoints).where(endpoints.c.id == endpoint_id, new.is_not(None))
        with self._writing() as (conn, now):
            row = conn.execute(own.with_for_update()).mappings().one_or_none()
            if row is None or row["disabled_at"] is not None:
                raise NotAllowed(f"there is no active webhook {endpoint_id}")
            values = {"sealed_key": self._seals.seal(new, row, key), "sealed_key_before": None}
            with contextlib.suppress(SealError):  # one that cannot be read signs nothing
                former = self._seals.open(new, row)
                values["sealed_key_before"] = self._seals.seal(before, row, former)
            rotated = _active(endpoint_id).values(**values, key_before_until=now + overlap)
            conn.execute(rotated)

    def disable_endpoint(self, endpoint_id: int) -> None:
        """
        Tell it nothing more; what waits for it is given up. Raises `NotAllowed`.
        """
        with self._writing() as (conn, now):
            if conn.execute(_active(endpoint_id).values(disabled_at=now)).rowcount == 0:
                raise NotAllowed(f"there is no active endpoint {endpoint_id}")
            waiting = sa.update(deliveries).where(deliveries.c.endpoint_id == endpoint_id)
            conn.execute(waiting.values(next_at=None))

    def retry_endpoint(self, endpoint_id: int) -> int:
        """
        Try now, and as often as if it were new, all that waits for it; return how much that is.

        Raises `NotAllowed`.
        """
        with self._writing() as (conn, now):
            if conn.execute(_active(endpoint_id).values(disabled_at=None)).rowcount == 0:
                raise NotAllowed(f"there is no active endpoint {endpoint_id}")
            waiting = sa.update(deliveries).where(
                deliveries.c.endpoint_id == endpoint_id, UNDELIVERED
            )
            return conn.execute(waiting.values(next_at=now, tries=0)).rowcount

    def endpoints(self) -> Sequence[Endpoint]:
        """
        All endpoints, with the keys that sign now.
        """
        with self._snapshot() as conn:
            return read_endpoints(conn, self._seals, read_clock(conn, self._clock))


def read_endpoints(conn: sa.Connection, seals: Seals, now: datetime) -> list[Endpoint]:
    """
    All endpoints, with the keys that sign now.
    """
    found = conn.execute(sa.select(endpoints).order_by(endpoints.c.id)).mappings()
    return [_to_endpoint(row, seals, now) for row in found]


def _active(endpoint_id: int, *conditions: sa.ColumnElement[bool]) -> sa.Update:
    own = endpoints.c.id == endpoint_id
    return sa.update(endpoints).where(own, endpoints.c.disabled_at.is_(None), *conditions)


def _to_endpoint(row: RowMapping, seals: Seals, now: datetime) -> Endpoint:
    return Endpoint(
        row["id"],
        row["producer"],
        row["kind"],
        row["address"],
        frozenset(EventType(name) for name in row["types"]),
        row["is_private"],
        row["created_at"],
        row["disabled_at"],
        tuple(_keys(row, seals, now)),
    )


def _keys(row: RowMapping, seals: Seals, now: datetime) -> Iterator[str]:
    """
    The keys that sign now. One that is lost hurts its own endpoint alone.
    """
    signing = [endpoints.c.sealed_key]
    if row["key_before_until"] is not None and row["key_before_until"] > now:
        signing.append(endpoints.c.sealed_key_before)
    for column in signing:
        if row[column.name] is not None:
            with contextlib.suppress(SealError):
                yield seals.open(column, row).decode()

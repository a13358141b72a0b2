"""
What a transaction holds before it reads and decides: a pace, an order number, debts, payouts.

They are taken in this order everywhere, so that no two transactions wait for each other. Each tells
when it was held, however long that took: its lock lies in a query of its own, inside the one that
asks for the time. On SQLite, where one transaction writes at a time, there is nothing to hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping
from sqlalchemy.dialects import postgresql

from worker.payouts.errors import NoSuchPayout
from worker.payouts.model import Obligation, Payout
from worker.payouts.pace import PaceKind
from worker.store import rows
from worker.store.channel_tables import channels, paces
from worker.store.clock import Clock, read_clock
from worker.store.seals import Seals
from worker.store.tables import obligations, payouts
from worker.store.writes import insert_new

_ID = sa.bindparam("payout_id", type_=sa.BigInteger)
_IDS = sa.bindparam("ids", expanding=True, type_=sa.BigInteger)
_NUMBERS = sa.bindparam("numbers", type_=postgresql.ARRAY(sa.String))
_MERCHANT = sa.bindparam("merchant", type_=sa.String)
_NAMED = sa.bindparam("named", expanding=True, type_=sa.String)

#: A bucket that nothing was ever taken of has been full since long ago.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Locked:
    """
    A payout whose row is held to the end of the transaction, so that it is read and written alone.
    """

    payout: Payout = field(repr=False)
    #: The database's time, with the lock held.
    now: datetime
    #: Answers in a row that did not verify, over all payouts of the merchant.
    unverifiable: int


class Locks:
    """
    The locks of one ledger. Its statements are made once: making them costs more than they do.
    """

    def __init__(self, clock: Clock, seals: Seals) -> None:
        self._clock = clock
        self._seals = seals
        named = sa.func.unnest(_NUMBERS).column_valued("number")
        key = sa.func.hashtextextended(named, 0).label("key")
        keys = sa.select(key).distinct().order_by(key).subquery("keys")
        self._numbers = sa.select(
            sa.func.pg_advisory_xact_lock(keys.c.key), clock.label("now")
        ).select_from(keys)
        own = sa.select(payouts.c.obligation_id).where(payouts.c.id == _ID).scalar_subquery()
        owed = sa.select(obligations).where(obligations.c.id == own).with_for_update()
        held = owed.subquery("held")
        self._obligation = sa.select(held, clock.label("now"))
        events = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("events", 0))
        self._events = sa.select(
            sa.select(events.label("held")).subquery("held"), clock.label("now")
        )
        owed_by_any = sa.select(payouts.c.obligation_id).where(payouts.c.id.in_(_IDS))
        free = (
            sa.select(obligations)
            .where(obligations.c.id.in_(owed_by_any))
            .order_by(obligations.c.id)
            .with_for_update(skip_locked=True)
        )
        self._obligations = sa.select(free.subquery("held"), clock.label("now"))
        self._sharing = (
            sa.select(payouts)
            .where(payouts.c.obligation_id.in_(_IDS))
            .order_by(payouts.c.id)
            .with_for_update(key_share=True)
        )
        self._payouts = self._of_payouts(payouts.c.id.in_(_IDS))
        kept = sa.select(paces.c.full_at).where(
            paces.c.customer_no == _MERCHANT, paces.c.kind == sa.bindparam("kind")
        )
        self._pace = sa.select(kept.with_for_update().subquery("held"), clock.label("now"))
        self._numbered = self._of_payouts(
            payouts.c.customer_no == _MERCHANT, payouts.c.out_trade_no.in_(_NAMED)
        )

    def numbers(
        self,
        conn: sa.Connection,
        customer_no: str,
        out_trade_nos: Sequence[str],
        payments: Sequence[str] = (),
    ) -> datetime:
        """
        Hold order numbers, whether or not payouts have them yet; return the time.

        And payments by what makes them alike, so that of two at once the second sees the first.
        """
        if conn.dialect.name != "postgresql":
            return read_clock(conn, self._clock)
        numbers = [f"{customer_no} {number}" for number in out_trade_nos]
        named = {"numbers": [*numbers, *payments]}
        # Each row's time is that of its own lock: the last one was held with all the others.
        now: datetime = max(row.now for row in conn.execute(self._numbers, named))
        return now

    def obligation(self, conn: sa.Connection, payout_id: int) -> tuple[Obligation, datetime]:
        """
        Hold the obligation of a payout; return it, and the time. Raises `NoSuchPayout`.
        """
        found = conn.execute(self._obligation, {"payout_id": payout_id})
        row = found.mappings().one_or_none()
        if row is None:
            raise NoSuchPayout(f"there is no payout {payout_id} that has an obligation")
        return rows.to_obligation(row, self._seals), row["now"]

    def free_obligations(
        self, conn: sa.Connection, payout_ids: Sequence[int]
    ) -> Mapping[int, Obligation]:
        """
        Hold the obligations of these payouts, but for those that someone else holds.
        """
        found = conn.execute(self._obligations, {"ids": list(payout_ids)}).mappings()
        return {row["id"]: rows.to_obligation(row, self._seals) for row in found}

    def sharing(
        self, conn: sa.Connection, obligation_ids: Iterable[int]
    ) -> tuple[Sequence[RowMapping], datetime]:
        """
        Hold all payouts of obligations that are held; return their rows, and the time.
        """
        held = conn.execute(self._sharing, {"ids": list(obligation_ids)}).mappings().all()
        return held, read_clock(conn, self._clock)

    def pace(
        self, conn: sa.Connection, customer_no: str, kind: PaceKind
    ) -> tuple[datetime, datetime]:
        """
        Hold the bucket of a merchant's sends or questions; return when it is full, and the time.
        """
        named = {"merchant": customer_no, "kind": kind}
        row = conn.execute(self._pace, named).one_or_none()
        if row is None:
            insert_new(conn, paces, customer_no=customer_no, kind=kind, full_at=_LONG_AGO)
            row = conn.execute(self._pace, named).one()
        return row.full_at, row.now

    def events(self, conn: sa.Connection) -> datetime:
        """
        Hold what gives events their positions; return the time.
        """
        if conn.dialect.name == "sqlite":
            return read_clock(conn, self._clock)
        now: datetime = conn.execute(self._events).one().now
        return now

    def payout(self, conn: sa.Connection, payout_id: int) -> Locked:
        """
        Hold a payout. Raises `NoSuchPayout`.
        """
        return self.payouts(conn, [payout_id])[payout_id]

    def payouts(self, conn: sa.Connection, payout_ids: Sequence[int]) -> Mapping[int, Locked]:
        """
        Hold several payouts. Raises `NoSuchPayout` if one of them does not exist.
        """
        found = conn.execute(self._payouts, {"ids": list(payout_ids)}).mappings().all()
        missing = {*payout_ids} - {row["id"] for row in found}
        if missing:
            raise NoSuchPayout(f"there is no payout {min(missing)}")
        # Each row's time is that of its own lock: the last one was held with all the others.
        now = max(row["now"] for row in found)
        return {row["id"]: self._locked(row, now) for row in found}

    def numbered(
        self, conn: sa.Connection, customer_no: str, out_trade_nos: Sequence[str]
    ) -> Mapping[str, Locked]:
        """
        Hold the payouts that have these order numbers, those that there are, by their numbers.
        """
        named = {"merchant": customer_no, "named": [*out_trade_nos]}
        found = conn.execute(self._numbered, named).mappings().all()
        now = max((row["now"] for row in found), default=_LONG_AGO)
        return {row["out_trade_no"]: self._locked(row, now) for row in found}

    def _of_payouts(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
        owned = sa.select(payouts).where(*conditions).order_by(payouts.c.id)
        held = owned.with_for_update().subquery("held")
        in_a_row = sa.select(channels.c.unverifiable).where(
            channels.c.customer_no == held.c.customer_no
        )
        return sa.select(
            held, self._clock.label("now"), in_a_row.scalar_subquery().label("unverifiable")
        )

    def _locked(self, row: RowMapping, now: datetime) -> Locked:
        return Locked(rows.to_payout(row, self._seals), now, row["unverifiable"] or 0)

"""
What a transaction holds before it reads and decides: an order number, an obligation, a payout.

They are taken in this order everywhere, so that no two transactions wait for each other. Each tells
when it was held, however long that took: its lock lies in a query of its own, inside the one that
asks for the time. On SQLite, where one transaction writes at a time, there is nothing to hold.
"""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.errors import NoSuchPayout
from worker.payouts.model import Obligation, Payout
from worker.store import rows
from worker.store.clock import Clock, read_clock
from worker.store.keyring import Keyring
from worker.store.tables import channels, obligations, payouts

_ID = sa.bindparam("payout_id", type_=sa.BigInteger)
_MERCHANT, _NUMBER = (sa.bindparam(name, type_=sa.String) for name in ("merchant", "number"))


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

    def __init__(self, clock: Clock, keyring: Keyring) -> None:
        self._clock = clock
        self._keyring = keyring
        key = sa.func.hashtextextended(_MERCHANT + " " + _NUMBER, 0)
        self._number = sa.select(sa.func.pg_advisory_xact_lock(key), clock.label("now"))
        own = sa.select(payouts.c.obligation_id).where(payouts.c.id == _ID).scalar_subquery()
        owed = sa.select(obligations).where(obligations.c.id == own).with_for_update()
        held = owed.subquery("held")
        self._obligation = sa.select(held, clock.label("now"))
        self._payout = self._of_payouts(payouts.c.id == _ID)
        self._numbered = self._of_payouts(
            payouts.c.customer_no == _MERCHANT, payouts.c.out_trade_no == _NUMBER
        )

    def number(self, conn: sa.Connection, customer_no: str, out_trade_no: str) -> datetime:
        """
        Hold an order number, whether or not a payout has it yet; return the time.
        """
        if conn.dialect.name != "postgresql":
            return read_clock(conn, self._clock)
        named = {"merchant": customer_no, "number": out_trade_no}
        now: datetime = conn.execute(self._number, named).one().now
        return now

    def obligation(self, conn: sa.Connection, payout_id: int) -> tuple[Obligation, datetime]:
        """
        Hold the obligation of a payout; return it, and the time. Raises `NoSuchPayout`.
        """
        found = conn.execute(self._obligation, {"payout_id": payout_id})
        row = found.mappings().one_or_none()
        if row is None:
            raise NoSuchPayout(f"there is no payout {payout_id} that has an obligation")
        return rows.to_obligation(row), row["now"]

    def payout(self, conn: sa.Connection, payout_id: int) -> Locked:
        """
        Hold a payout. Raises `NoSuchPayout`.
        """
        found = self._find(conn, self._payout, payout_id=payout_id)
        if found is None:
            raise NoSuchPayout(f"there is no payout {payout_id}")
        return found

    def numbered(self, conn: sa.Connection, customer_no: str, out_trade_no: str) -> Locked | None:
        """
        Hold the payout that has an order number, if there is one.
        """
        return self._find(conn, self._numbered, merchant=customer_no, number=out_trade_no)

    def _of_payouts(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
        held = sa.select(payouts).where(*conditions).with_for_update().subquery("held")
        in_a_row = sa.select(channels.c.unverifiable).where(
            channels.c.customer_no == held.c.customer_no
        )
        return sa.select(
            held, self._clock.label("now"), in_a_row.scalar_subquery().label("unverifiable")
        )

    def _find(
        self, conn: sa.Connection, asked: sa.Select[tuple[object, ...]], **named: object
    ) -> Locked | None:
        row = conn.execute(asked, named).mappings().one_or_none()
        if row is None:
            return None
        payout = rows.to_payout(row, self._keyring)
        return Locked(payout, row["now"], row["unverifiable"] or 0)

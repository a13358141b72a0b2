"""
All that is known of a payout, as a transaction sees it; and the lock under which it is read.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NoSuchPayout
from worker.payouts.model import Dossier, Payout
from worker.store import rows
from worker.store.clock import Clock
from worker.store.keyring import Keyring
from worker.store.tables import attempts, cases, channels, evidence, payouts


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


def lock_payout(conn: sa.Connection, clock: Clock, keyring: Keyring, payout_id: int) -> Locked:
    """
    Hold a payout's row. The obligation's lock, where it is needed too, comes first.

    Raises `NoSuchPayout`.
    """
    found = _lock(conn, clock, keyring, payouts.c.id == payout_id)
    if found is None:
        raise NoSuchPayout(f"there is no payout {payout_id}")
    return found


def lock_numbered(
    conn: sa.Connection, clock: Clock, keyring: Keyring, customer_no: str, out_trade_no: str
) -> Locked | None:
    """
    Hold the row of the payout with that number, if there is one.
    """
    own = payouts.c.customer_no == customer_no
    return _lock(conn, clock, keyring, own, payouts.c.out_trade_no == out_trade_no)


def _lock(
    conn: sa.Connection, clock: Clock, keyring: Keyring, *conditions: sa.ColumnElement[bool]
) -> Locked | None:
    # The lock lies in a query of its own, so that the time is told when it is held, however long
    # that took.
    held = sa.select(payouts).where(*conditions).with_for_update().subquery("held")
    in_a_row = (
        sa.select(channels.c.unverifiable)
        .where(channels.c.customer_no == held.c.customer_no)
        .scalar_subquery()
    )
    asked = sa.select(held, clock().label("now"), in_a_row.label("unverifiable"))
    row = conn.execute(asked).mappings().one_or_none()
    if row is None:
        return None
    return Locked(rows.to_payout(row, keyring), row["now"], row["unverifiable"] or 0)


def read_row(conn: sa.Connection, payout_id: int) -> RowMapping:
    """
    A payout's row. Raises `NoSuchPayout`.
    """
    found = conn.execute(sa.select(payouts).where(payouts.c.id == payout_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NoSuchPayout(f"there is no payout {payout_id}")
    return row


def read_dossier(conn: sa.Connection, payout: Payout, keyring: Keyring) -> Dossier:
    """
    Everything known of a payout, given its row.
    """
    (dossier,) = read_dossiers(conn, [payout], keyring)
    return dossier


def read_dossiers(
    conn: sa.Connection, found: Sequence[Payout], keyring: Keyring
) -> tuple[Dossier, ...]:
    """
    Everything known of several payouts, given their rows, in the same order.
    """
    ids = [payout.id for payout in found]

    def grouped(table: sa.Table, order: sa.Column[Any], *conditions: Any) -> dict[int, list[Any]]:
        of: dict[int, list[Any]] = defaultdict(list)
        asked = sa.select(table).where(table.c.payout_id.in_(ids), *conditions).order_by(order)
        for row in conn.execute(asked).mappings():
            of[row["payout_id"]].append(row)
        return of

    tries = grouped(attempts, attempts.c.number)
    pieces = grouped(evidence, evidence.c.id)
    open_cases = grouped(cases, cases.c.id, cases.c.closed_at.is_(None))
    return tuple(
        Dossier(
            payout=payout,
            attempts=tuple(rows.to_attempt(row) for row in tries[payout.id]),
            evidence=tuple(rows.to_evidence(row, keyring) for row in pieces[payout.id]),
            open_cases=tuple(rows.to_case(row) for row in open_cases[payout.id]),
        )
        for payout in found
    )

"""
Debts: what is owed, and what is committed to the payouts that hold it.

The obligation's row is locked before any of its payouts' rows, everywhere.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Dossier, Obligation, Order
from worker.payouts.policy.obligation import check_fits, normalized
from worker.store import rows
from worker.store.dossiers import read_dossiers
from worker.store.seals import Seals
from worker.store.tables import obligations, payouts
from worker.store.writes import insert_all_new

#: One name space for the whole installation: neither merchant nor producer splits a debt.
NAMESPACE = "default"


_NAMED = (
    sa.select(obligations)
    .where(
        obligations.c.namespace == sa.bindparam("namespace"),
        obligations.c.name.in_(sa.bindparam("names", expanding=True)),
    )
    .order_by(obligations.c.name)
    .with_for_update()
)
_SHARING = (
    sa.select(payouts)
    .where(payouts.c.obligation_id == sa.bindparam("obligation"))
    .order_by(payouts.c.id)
)


def commit_orders(
    conn: sa.Connection, orders: Mapping[int, Order], now: datetime, seals: Seals
) -> Mapping[int, int]:
    """
    Commit orders' amounts of the obligations that they pay, each another; return those debts' ids.

    They come by the keys of the orders, without those that a debt has no room for, or that it is
    owed otherwise. One that an order is the first to name is made. All stay locked, and are locked
    by their names, so that two who accept never wait for each other.
    """
    named = {normalized(order.obligation): key for key, order in orders.items()}
    fresh = {}
    for name in sorted(named):
        order = orders[named[name]]
        obligation = Obligation(0, NAMESPACE, name, order.owed_fen or order.amount_fen, 0)
        if _fits(obligation, (), order):
            fresh[name] = {
                "namespace": NAMESPACE,
                "name": name,
                "owed_fen": obligation.owed_fen,
                "committed_fen": order.amount_fen,
                "created_at": now,
            }
    if not fresh:
        return {}
    made = {
        row.name: row.id for row in insert_all_new(conn, obligations, [*fresh.values()], "name")
    }
    committed = {named[name]: debt for name, debt in made.items()}
    if known := fresh.keys() - made.keys():
        found = conn.execute(_NAMED, {"namespace": NAMESPACE, "names": sorted(known)})
        for obligation in map(rows.to_obligation, found.mappings().all()):
            key = named[obligation.name]
            if _fits(obligation, sharing(conn, obligation, seals), orders[key]):
                commit_fen(conn, obligation.id, orders[key].amount_fen)
                committed[key] = obligation.id
    return {key: committed[key] for key in orders if key in committed}


def _fits(obligation: Obligation, others: Sequence[Dossier], order: Order) -> bool:
    try:
        check_fits(obligation, others, order)
    except NotAllowed:
        return False
    return True


def rows_of(conn: sa.Connection, obligation: Obligation) -> Sequence[RowMapping]:
    """
    The rows of an obligation's payouts, oldest first.
    """
    return conn.execute(_SHARING, {"obligation": obligation.id}).mappings().all()


def sharing(
    conn: sa.Connection, obligation: Obligation, seals: Seals | None, *, but: int | None = None
) -> tuple[Dossier, ...]:
    """
    All that is known of the payouts of an obligation, oldest first; one of them left out.
    """
    found = [rows.to_payout(row) for row in rows_of(conn, obligation)]
    return read_dossiers(conn, [payout for payout in found if payout.id != but], seals)


def commit_fen(conn: sa.Connection, obligation_id: int, amount_fen: int) -> None:
    """
    Commit more of an obligation; a negative amount gives back. A check keeps it within the debt.
    """
    conn.execute(
        sa.update(obligations)
        .where(obligations.c.id == obligation_id)
        .values(committed_fen=obligations.c.committed_fen + amount_fen)
    )

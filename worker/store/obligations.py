"""
Debts: what is owed, and what is committed to the payouts that hold it.

The obligation's row is locked before any of its payouts' rows, everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Dossier, Obligation, Order
from worker.payouts.policy.obligation import check_fits, is_whole, normalized
from worker.store import rows
from worker.store.dossiers import read_dossiers
from worker.store.keyring import Form
from worker.store.seals import Seals
from worker.store.tables import obligations, payouts
from worker.store.vouching import debt_columns
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
        owed = order.owed_fen or order.amount_fen
        obligation = Obligation(
            0, NAMESPACE, name, owed, 0, 1 if seals.is_known(Form.VOUCHED) else None
        )
        if _fits(obligation, (), order):
            fresh[name] = {
                "namespace": NAMESPACE,
                "name": name,
                "owed_fen": obligation.owed_fen,
                "committed_fen": order.amount_fen,
                "created_at": now,
                **debt_columns(obligation, seals),
            }
    if not fresh:
        return {}
    made = {
        row.name: row.id for row in insert_all_new(conn, obligations, [*fresh.values()], "name")
    }
    committed = {named[name]: debt for name, debt in made.items()}
    if known := fresh.keys() - made.keys():
        found = conn.execute(_NAMED, {"namespace": NAMESPACE, "names": sorted(known)})
        for row in found.mappings().all():
            obligation = rows.to_obligation(row, seals)
            key, others = named[obligation.name], sharing(conn, obligation, seals)
            if is_whole(obligation, others) and _fits(obligation, others, orders[key]):
                commit_payout(conn, obligation, orders[key].amount_fen, seals)
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
    found = [rows.to_payout(row, seals) for row in rows_of(conn, obligation)]
    return read_dossiers(conn, [payout for payout in found if payout.id != but], seals)


def commit_payout(
    conn: sa.Connection, obligation: Obligation, amount_fen: int, seals: Seals
) -> None:
    """
    Let one payout more pay an obligation, and commit so much of it, which may be less than nothing.
    """
    joined = obligation
    if obligation.payout_count is not None:
        joined = replace(obligation, payout_count=obligation.payout_count + 1)
    values = debt_columns(joined, seals)
    committed = obligations.c.committed_fen + amount_fen
    own = sa.update(obligations).where(obligations.c.id == obligation.id)
    conn.execute(own.values(**values, committed_fen=committed))


def commit_fen(conn: sa.Connection, obligation_id: int, amount_fen: int) -> None:
    """
    Commit more of an obligation; a negative amount gives back. A check keeps it within the debt.
    """
    conn.execute(
        sa.update(obligations)
        .where(obligations.c.id == obligation_id)
        .values(committed_fen=obligations.c.committed_fen + amount_fen)
    )

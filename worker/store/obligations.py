"""
Debts: what is owed, and what is committed to the payouts that hold it.

The obligation's row is locked before any of its payouts' rows, everywhere.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.model import Dossier, Obligation, Order
from worker.payouts.policy.obligation import check_fits, normalized
from worker.store import rows
from worker.store.dossiers import read_dossiers
from worker.store.keyring import Keyring
from worker.store.tables import obligations, payouts
from worker.store.writes import insert_new

#: One name space for the whole installation: neither merchant nor producer splits a debt.
NAMESPACE = "default"


_SHARING = (
    sa.select(payouts)
    .where(payouts.c.obligation_id == sa.bindparam("obligation"))
    .order_by(payouts.c.id)
)


def commit_order(conn: sa.Connection, order: Order, now: datetime, keyring: Keyring) -> int:
    """
    Commit an order's amount of the obligation that it pays; return the obligation's id.

    The obligation is made if the order is the first to name it, and stays locked. Raises
    `NotAllowed` if it has no room for the order, or is owed otherwise.
    """
    name = normalized(order.obligation)
    fresh = Obligation(0, NAMESPACE, name, order.owed_fen or order.amount_fen, 0)
    check_fits(fresh, (), order)
    made = insert_new(
        conn,
        obligations,
        namespace=NAMESPACE,
        name=name,
        owed_fen=fresh.owed_fen,
        committed_fen=order.amount_fen,
        created_at=now,
    )
    if made is not None:
        return made
    named = sa.select(obligations).where(
        obligations.c.namespace == NAMESPACE, obligations.c.name == name
    )
    obligation = rows.to_obligation(conn.execute(named.with_for_update()).mappings().one())
    check_fits(obligation, sharing(conn, obligation, keyring), order)
    commit_fen(conn, obligation.id, order.amount_fen)
    return obligation.id


def rows_of(conn: sa.Connection, obligation: Obligation) -> Sequence[RowMapping]:
    """
    The rows of an obligation's payouts, oldest first.
    """
    return conn.execute(_SHARING, {"obligation": obligation.id}).mappings().all()


def sharing(
    conn: sa.Connection, obligation: Obligation, keyring: Keyring, *, but: int | None = None
) -> tuple[Dossier, ...]:
    """
    All that is known of the payouts of an obligation, oldest first; one of them left out.
    """
    found = [rows.to_payout(row, keyring) for row in rows_of(conn, obligation)]
    return read_dossiers(conn, [payout for payout in found if payout.id != but], keyring)


def commit_fen(conn: sa.Connection, obligation_id: int, amount_fen: int) -> None:
    """
    Commit more of an obligation; a negative amount gives back. A check keeps it within the debt.
    """
    conn.execute(
        sa.update(obligations)
        .where(obligations.c.id == obligation_id)
        .values(committed_fen=obligations.c.committed_fen + amount_fen)
    )

"""
Debts: what is owed, and what is committed to the payouts that hold it.

The obligation's row is locked before any of its payouts' rows, everywhere.
"""

from datetime import datetime

import sqlalchemy as sa

from worker.payouts.model import Dossier, Obligation, Order
from worker.payouts.policy.obligation import normalized
from worker.store.base import insert_new
from worker.store.keyring import Keyring
from worker.store.reads import read_dossier
from worker.store.tables import obligations, payouts

#: One name space for the whole installation: neither merchant nor producer splits a debt.
NAMESPACE = "default"

_COLUMNS = (
    obligations.c.id,
    obligations.c.namespace,
    obligations.c.name,
    obligations.c.owed_fen,
    obligations.c.committed_fen,
)


def open_obligation(conn: sa.Connection, order: Order, now: datetime) -> Obligation:
    """
    The obligation that an order pays, locked; made if it is the first to name it.
    """
    name = normalized(order.obligation)
    owed_fen = order.owed_fen or order.amount_fen
    made = insert_new(
        conn,
        obligations,
        namespace=NAMESPACE,
        name=name,
        owed_fen=owed_fen,
        committed_fen=0,
        created_at=now,
    )
    if made is not None:
        return Obligation(made, NAMESPACE, name, owed_fen, 0)
    return _locked(conn, obligations.c.namespace == NAMESPACE, obligations.c.name == name)


def lock_obligation(conn: sa.Connection, payout_id: int) -> Obligation:
    """
    The obligation of a payout, locked.
    """
    own = sa.select(payouts.c.obligation_id).where(payouts.c.id == payout_id).scalar_subquery()
    return _locked(conn, obligations.c.id == own)


def sharing(
    conn: sa.Connection, obligation: Obligation, keyring: Keyring, *, but: int | None = None
) -> tuple[Dossier, ...]:
    """
    All that is known of the payouts of an obligation, oldest first; one of them left out.
    """
    ids = conn.scalars(
        sa.select(payouts.c.id)
        .where(payouts.c.obligation_id == obligation.id)
        .order_by(payouts.c.id)
    ).all()
    return tuple(read_dossier(conn, number, keyring) for number in ids if number != but)


def commit_fen(conn: sa.Connection, obligation_id: int, amount_fen: int) -> None:
    """
    Commit more of an obligation; a negative amount gives back. A check keeps it within the debt.
    """
    conn.execute(
        sa.update(obligations)
        .where(obligations.c.id == obligation_id)
        .values(committed_fen=obligations.c.committed_fen + amount_fen)
    )


def _locked(conn: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Obligation:
    found = conn.execute(sa.select(*_COLUMNS).where(*conditions).with_for_update()).one()
    return Obligation(*found)

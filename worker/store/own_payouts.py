"""
A producer's own payouts. Nothing here unseals, and nothing tells whether another's exist.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from worker.payouts.errors import NoSuchPayout
from worker.payouts.model import Dossier
from worker.payouts.own import OwnPayout, Wanted
from worker.payouts.policy.obligation import normalized
from worker.store import rows
from worker.store.base import Base
from worker.store.dossiers import read_dossiers
from worker.store.obligations import NAMESPACE, sharing
from worker.store.tables import obligations, payouts

#: The order of acceptance, in which the id decides where two were accepted at once.
_PLACE = (payouts.c.accepted_at, payouts.c.id)


class OwnPayouts(Base):
    """
    What a producer may look up.
    """

    def own_payout(self, customer_no: str, producer: str, out_trade_no: str) -> OwnPayout:
        """
        The producer's payout with that number. Raises `NoSuchPayout`, also where it is another's.
        """
        with self._snapshot() as conn:
            row = conn.execute(_numbered(customer_no, producer, out_trade_no)).mappings().first()
            if row is None:
                raise NoSuchPayout
            (own,) = _read(conn, [row])
        return own

    def own_payouts(
        self, customer_no: str, producer: str, wanted: Wanted, limit: int
    ) -> Sequence[OwnPayout]:
        """
        The producer's payouts that are wanted, the last accepted first, read in one snapshot.

        Raises `NoSuchPayout` if `wanted.behind` is no number of the producer's.
        """
        listed = (
            _of(customer_no, producer)
            .where(*_conditions(wanted))
            .order_by(*(column.desc() for column in _PLACE))
            .limit(limit)
        )
        with self._snapshot() as conn:
            if wanted.behind is not None:
                found = conn.execute(_numbered(customer_no, producer, wanted.behind))
                last = found.mappings().first()
                if last is None:
                    raise NoSuchPayout
                listed = listed.where(
                    sa.tuple_(*_PLACE) < sa.tuple_(last["accepted_at"], last["id"])
                )
            return _read(conn, conn.execute(listed).mappings().all())


def _of(customer_no: str, producer: str) -> sa.Select[Any]:
    return sa.select(payouts).where(
        payouts.c.customer_no == customer_no, payouts.c.producer == producer
    )


def _numbered(customer_no: str, producer: str, out_trade_no: str) -> sa.Select[Any]:
    return _of(customer_no, producer).where(payouts.c.out_trade_no == out_trade_no)


def _conditions(wanted: Wanted) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.status is not None:
        yield payouts.c.status == wanted.status
    if wanted.obligation is not None:
        yield payouts.c.obligation_id.in_(
            sa.select(obligations.c.id).where(
                obligations.c.namespace == NAMESPACE,
                obligations.c.name == normalized(wanted.obligation),
            )
        )
    if wanted.accepted_from is not None:
        yield payouts.c.accepted_at >= wanted.accepted_from
    if wanted.accepted_before is not None:
        yield payouts.c.accepted_at < wanted.accepted_before


def _read(conn: sa.Connection, found: Sequence[sa.RowMapping]) -> list[OwnPayout]:
    dossiers = read_dossiers(conn, [rows.to_payout(row) for row in found], None)
    return [
        OwnPayout(dossier)
        if dossier.payout.released_at is None
        else _freed(conn, dossier, row["obligation_id"])
        for dossier, row in zip(dossiers, found, strict=True)
    ]


def _freed(conn: sa.Connection, dossier: Dossier, obligation_id: int) -> OwnPayout:
    owed = sa.select(obligations).where(obligations.c.id == obligation_id)
    debt = rows.to_obligation(conn.execute(owed).mappings().one())
    return OwnPayout(dossier, debt, sharing(conn, debt, None, but=dossier.payout.id))

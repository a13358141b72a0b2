"""
Taking orders in, or writing down why not.
"""

from dataclasses import asdict

import sqlalchemy as sa

from worker.payouts.model import Order, Rejection, Terms
from worker.payouts.status import PayoutStatus, Reason
from worker.store.base import Base, append_transition, insert_new
from worker.store.rows import order_columns
from worker.store.tables import evidence, payouts, rejections


class Acceptance(Base):
    """
    The ledger's entrance.
    """

    def accept(self, order: Order, terms: Terms) -> int | None:
        """
        Insert a queued payout, due at once; None if its number or obligation is taken.
        """
        with self._writing() as (conn, now):
            payout_id = insert_new(
                conn,
                payouts,
                **order_columns(order, terms, self._keyring),
                status=PayoutStatus.QUEUED,
                reason=Reason.ACCEPTED,
                version=1,
                exposed=False,
                accepted_at=now,
                updated_at=now,
                returned_fen=0,
                resends=0,
                next_send_at=now,
                query_misses=0,
            )
            if payout_id is not None:
                append_transition(
                    conn,
                    payout_id=payout_id,
                    to_status=PayoutStatus.QUEUED,
                    reason=Reason.ACCEPTED,
                    actor=order.producer,
                    at=now,
                )
                _adopt_orphans(conn, payout_id, order, terms)
            return payout_id

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted, at the database's time.
        """
        with self._writing() as (conn, now):
            values = asdict(rejection) | {"faults": list(rejection.faults), "rejected_at": now}
            del values["id"]
            conn.execute(sa.insert(rejections).values(**values))


def _adopt_orphans(conn: sa.Connection, payout_id: int, order: Order, terms: Terms) -> None:
    """
    Give the payout what JD notified of its number before we had it, to be weighed.

    A database restored from a backup has lost payouts that were paid: a producer that enqueues
    them again must not have them sent again.
    """
    conn.execute(
        sa.update(evidence)
        .where(
            evidence.c.payout_id.is_(None),
            evidence.c.customer_no == terms.customer_no,
            evidence.c.out_trade_no == order.out_trade_no,
        )
        .values(payout_id=payout_id)
    )

"""
Taking orders in, or recording why not.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.model import CaseKind, Order, Rejection, Terms
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import REVIEW_LIST, CaseNote, hold_for_review
from worker.store.base import Base, append_transition, insert_new, write_row
from worker.store.evidence import open_case
from worker.store.keyring import Keyring
from worker.store.rows import order_columns, to_payout
from worker.store.tables import evidence, payouts, rejections, transitions


class Acceptance(Base):
    """
    The ledger's entrance.
    """

    def accept(
        self,
        order: Order,
        terms: Terms,
        sweep_after: timedelta = timedelta(0),
        *,
        for_review: bool = False,
    ) -> int | None:
        """
        Insert a queued payout, due `sweep_after` from now, or one that is held for review.

        None if its number or obligation is taken.
        """
        with self._writing() as (conn, now):
            return insert_payout(
                conn, now, order, terms, self._keyring, sweep_after, for_review=for_review
            )

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted, at the database's time.
        """
        with self._writing() as (conn, now):
            values = asdict(rejection) | {"faults": list(rejection.faults), "rejected_at": now}
            del values["id"]
            conn.execute(sa.insert(rejections).values(**values))


def insert_payout(
    conn: sa.Connection,
    now: datetime,
    order: Order,
    terms: Terms,
    keyring: Keyring,
    sweep_after: timedelta = timedelta(0),
    *,
    for_review: bool,
) -> int | None:
    """
    Insert a queued payout with its first transition, and `for_review` hold it at once.

    None, and nothing is inserted, if its number or obligation is taken.
    """
    payout_id = insert_new(
        conn,
        payouts,
        **order_columns(order, terms, keyring),
        status=PayoutStatus.QUEUED,
        reason=Reason.ACCEPTED,
        version=1,
        exposed=False,
        accepted_at=now,
        updated_at=now,
        returned_fen=0,
        resends=0,
        next_send_at=now + sweep_after,
        query_misses=0,
    )
    if payout_id is not None:
        conn.execute(
            sa.insert(transitions).values(
                payout_id=payout_id,
                to_status=PayoutStatus.QUEUED,
                reason=Reason.ACCEPTED,
                actor=order.producer,
                at=now,
            )
        )
        _adopt_orphans(conn, payout_id, terms.customer_no, order.out_trade_no)
        if for_review:
            _hold(conn, now, payout_id, keyring)
    return payout_id


def _hold(conn: sa.Connection, now: datetime, payout_id: int, keyring: Keyring) -> None:
    """
    Hold a payout that this transaction inserted: no other transaction ever sees it queued.
    """
    row = conn.execute(sa.select(payouts).where(payouts.c.id == payout_id)).mappings().one()
    queued = to_payout(row, keyring)
    held = hold_for_review(queued, now)
    write_row(conn, queued, held)
    append_transition(conn, queued, held, REVIEW_LIST)
    open_case(conn, now, held, CaseNote(CaseKind.REVIEW))


def _adopt_orphans(
    conn: sa.Connection, payout_id: int, customer_no: str, out_trade_no: str
) -> None:
    """
    Give the payout what JD notified of its number before we had it, to be judged.

    A database restored from a backup has lost payouts that were paid: a producer that enqueues
    them again must not have them sent again.
    """
    conn.execute(
        sa.update(evidence)
        .where(
            evidence.c.payout_id.is_(None),
            evidence.c.customer_no == customer_no,
            evidence.c.out_trade_no == out_trade_no,
        )
        .values(payout_id=payout_id)
    )

"""
Taking orders in, or recording why not.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.errors import NotAllowed
from worker.payouts.model import CaseKind, Order, Rejection, Terms
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import REVIEW_LIST, CaseNote, hold_for_review
from worker.store.base import Base
from worker.store.cases import open_case
from worker.store.dossiers import read_row
from worker.store.keyring import Keyring
from worker.store.obligations import commit_order
from worker.store.rows import order_columns, to_payout
from worker.store.tables import evidence, installation, payouts, rejections, transitions
from worker.store.types import UtcDateTime
from worker.store.writes import Move, append_transitions, insert_new, write_row

#: When the database was restored, if JD is asked first about what is accepted now. The row is held,
#: so that an epoch that begins meanwhile finds this payout.
_ASK_FIRST = (
    sa.select(installation.c.restored_at)
    .where(installation.c.ask_first_until > sa.bindparam("now", type_=UtcDateTime))
    .with_for_update(read=True)
)


class Acceptance(Base):
    """
    The ledger's entrance.
    """

    def accept(
        self,
        order: Order,
        terms: Terms,
        *,
        for_review: bool = False,
    ) -> int | None:
        """
        Insert a queued payout, due at once, or one that is held for review.

        None, and nothing is written, if its number is taken or its obligation has no room for it.
        """
        columns = order_columns(order, terms, self._keyring)
        try:
            with self._transaction() as conn:
                now = self._locks.number(conn, terms.customer_no, order.out_trade_no)
                obligation_id = commit_order(conn, order, now, self._keyring)
                payout_id = insert_payout(conn, now, columns, obligation_id)
                if for_review:
                    hold_payout(conn, now, payout_id, self._keyring)
                return payout_id
        except NotAllowed:
            # Rolled back, so that no obligation is left behind that nothing pays.
            return None

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
    columns: Mapping[str, Any],
    obligation_id: int,
) -> int:
    """
    Insert a queued payout, given the columns of its order, with its first transition.

    After a restore JD is asked about it before it is sent: the backup may lack a payout with this
    number. The number is held, so that a notification stored at this moment does not miss it, and
    the amount is committed. Raises `NotAllowed` if another payout has the number.
    """
    restored_at = conn.execute(_ASK_FIRST, {"now": now}).scalar_one_or_none()
    payout_id = insert_new(
        conn,
        payouts,
        **columns,
        obligation_id=obligation_id,
        status=PayoutStatus.QUEUED,
        reason=Reason.ACCEPTED,
        version=1,
        exposed=False,
        accepted_at=now,
        updated_at=now,
        returned_fen=0,
        resends=0,
        next_send_at=now,
        doubted_at=restored_at,
        next_query_at=None if restored_at is None else now,
        query_misses=0,
    )
    if payout_id is None:
        raise NotAllowed("out_trade_no: another payout has this number")
    conn.execute(
        sa.insert(transitions),
        {
            "payout_id": payout_id,
            "to_status": PayoutStatus.QUEUED,
            "reason": Reason.ACCEPTED,
            "actor": columns["producer"],
            "at": now,
        },
    )
    _adopt_orphans(conn, payout_id, columns["customer_no"], columns["out_trade_no"])
    return payout_id


def hold_payout(conn: sa.Connection, now: datetime, payout_id: int, keyring: Keyring) -> None:
    """
    Hold a payout that this transaction inserted: no other transaction ever sees it queued.
    """
    queued = to_payout(read_row(conn, payout_id), keyring)
    held = hold_for_review(queued, now)
    write_row(conn, queued, held)
    append_transitions(conn, [Move(queued, held)], REVIEW_LIST)
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

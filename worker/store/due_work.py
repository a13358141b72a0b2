"""
What is due: found, and claimed for a while, without two sweeps doing the same work.

SQLite has no row locks and ignores `FOR UPDATE`; there the transaction holds the write lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from worker.payouts.claim import Asker, DueQueries
from worker.payouts.health import Overdue
from worker.payouts.pace import PaceKind
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote
from worker.store import rows
from worker.store.base import Base
from worker.store.cases import open_case
from worker.store.channels import is_stopped
from worker.store.clock import read_clock
from worker.store.dossiers import read_row
from worker.store.frontier import Frontier
from worker.store.leases import end_leases
from worker.store.paces import spend
from worker.store.tables import (
    IN_FLIGHT,
    IS_FOLLOWED,
    MAY_BE_SENT,
    NOT_YET_OVERDUE,
    UNSENT,
    WAITS,
    cases,
    evidence,
    payouts,
)
from worker.store.types import UtcDateTime


def _is_of(customer_no: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """
    Whether a payout is that merchant's, said so that SQLite does not read all of the merchant's.
    """
    return payouts.c.customer_no + "" == customer_no


_NOW, _SINCE = (sa.bindparam(name, type_=UtcDateTime) for name in ("now", "since"))
_HAS_CASE = sa.exists().where(cases.c.payout_id == payouts.c.id, cases.c.closed_at.is_(None))

# Made once: making a statement costs more than the statement does.
_DUE_SENDS = (
    sa.select(payouts.c.id, payouts.c.next_send_at)
    .where(
        MAY_BE_SENT,
        payouts.c.next_send_at <= _NOW,
        payouts.c.next_send_at >= _SINCE,
        _is_of(sa.bindparam("merchant", type_=sa.String)),
        ~is_stopped(_NOW),
        ~_HAS_CASE,
        # What was accepted after a restore: its own doubt holds up nobody else.
        payouts.c.doubted_at.is_(None),
    )
    .order_by(payouts.c.next_send_at, payouts.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_NEXT_QUERY = (
    sa.select(payouts.c.next_query_at)
    .where(
        IS_FOLLOWED,
        payouts.c.next_query_at >= _SINCE,
        _is_of(sa.bindparam("merchant", type_=sa.String)),
    )
    .order_by(payouts.c.next_query_at)
    .limit(1)
)


class DueWork(Base):
    """
    The work of a sweep, every few seconds.
    """

    def expire_leases(self, limit: int) -> Sequence[int]:
        """
        Close, as lost, the attempts whose lease has run out; return them.

        Among them are those whose worker closed its attempt and then ended.
        """
        with self._writing() as (conn, now):
            over = payouts.c.lease_until.is_(None) | (payouts.c.lease_until <= now)
            found = conn.scalars(
                _unlocked(sa.select(payouts.c.id).where(IN_FLIGHT, over))
                .order_by(payouts.c.lease_until.nulls_last(), payouts.c.id)
                .limit(limit)
            ).all()
            if not found:
                return []
            held = sa.select(payouts).where(payouts.c.id.in_(found))
            rows_held = conn.execute(held).mappings()
            end_leases(
                conn, [rows.to_payout(row, self._seals) for row in rows_held], now, self._seals
            )
            return found

    def find_unapplied(self, limit: int) -> Sequence[int]:
        """
        Payouts with evidence that waits to be judged, the longest waiting first.
        """
        with self._snapshot() as conn:
            return conn.scalars(
                sa.select(evidence.c.payout_id)
                .where(WAITS)
                .group_by(evidence.c.payout_id)
                .order_by(sa.func.min(evidence.c.id))
                .limit(limit)
            ).all()

    def find_stale(self, limit: int, within: timedelta) -> Sequence[int]:
        """
        Unsent payouts past their time to be sent: `within` from acceptance if they name none.

        A refused one that a person wants sent again is unsent as well.
        """
        with self._snapshot() as conn:
            now = read_clock(conn, self._clock)
            own = payouts.c.send_before <= now
            default = payouts.c.send_before.is_(None) & (payouts.c.accepted_at <= now - within)
            again = payouts.c.let_go_at <= now - within
            late = sa.or_(again, payouts.c.let_go_at.is_(None) & (own | default))
            found = sa.select(payouts.c.id).where(late).limit(limit)
            found = found.order_by(payouts.c.accepted_at, payouts.c.id)
            again = payouts.c.status == PayoutStatus.REFUSED
            # Two statements, since each has an index of its own.
            queued = conn.scalars(found.where(UNSENT)).all()
            refused = conn.scalars(found.where(MAY_BE_SENT, again)).all()
            return [*queued, *refused][:limit]

    def mark_overdue(self, limit: int, after: timedelta) -> Sequence[Overdue]:
        """
        Mark, once, what has had no final state for so long since it was first sent; return it.
        """
        with self._writing() as (conn, now):
            found = conn.execute(
                _unlocked(sa.select(payouts.c.id, payouts.c.out_trade_no))
                .where(NOT_YET_OVERDUE, payouts.c.first_sent_at <= now - after)
                .order_by(payouts.c.first_sent_at, payouts.c.id)
                .limit(limit)
            ).all()
            if not found:
                return []
            marked = payouts.c.id.in_([row.id for row in found])
            conn.execute(sa.update(payouts).where(marked).values(overdue_at=now))
            return [Overdue(row.id, row.out_trade_no) for row in found]

    def find_due_sends(self, customer_no: str, limit: int) -> Sequence[int]:
        """
        What one merchant may send by its time, unless that is stopped; the longest due first.

        A row with an open case waits for a person, and stays due for when the case is closed.
        """
        with self._snapshot() as conn:
            now = read_clock(conn, self._clock)
            return find_due_sends(conn, self._sends, customer_no, now, limit)

    def put_off(self, payout_id: int, by: timedelta) -> None:
        """
        Look at a payout that is due to be sent no earlier than `by` from now.
        """
        with self._writing() as (conn, now):
            put_off(conn, payout_id, now, now + by)

    def open_case(self, payout_id: int, note: CaseNote) -> None:
        """
        Open a case about a payout whose row may not open itself. Raises `NoSuchPayout`.
        """
        with self._writing() as (conn, now):
            open_case(conn, now, rows.to_payout(read_row(conn, payout_id)), note)

    def until_next_query(self, customer_no: str) -> timedelta | None:
        """
        How long until the merchant's next follow-up query is due: not above zero where one is due.

        None where none is ever to be asked.
        """
        with self._snapshot() as conn:
            now = read_clock(conn, self._clock)
            since = self._queries.since(customer_no, now)
            due_at = conn.scalar(_NEXT_QUERY, {"merchant": customer_no, "since": since})
            self._queries.found(customer_no, since, due_at, now)
            return None if due_at is None else due_at - now

    def claim_due_queries(self, limit: int, asker: Asker) -> DueQueries:
        """
        Claim due follow-up queries, the longest due first, as many as the pace allows.
        """
        with self._transaction() as conn:
            full_at, now = self._locks.pace(conn, asker.customer_no, PaceKind.QUERY)
            tokens = asker.pace.left(full_at, now)
            since = self._queries.since(asker.customer_no, now)
            found = conn.execute(
                _unlocked(sa.select(payouts.c.id, payouts.c.query_misses, payouts.c.next_query_at))
                .where(
                    IS_FOLLOWED,
                    payouts.c.next_query_at <= now,
                    payouts.c.next_query_at >= since,
                    _is_of(sa.literal(asker.customer_no)),
                )
                .order_by(payouts.c.next_query_at, payouts.c.id)
                .limit(limit)
            ).all()
            first = found[0].next_query_at if found else None
            self._queries.found(asker.customer_no, since, first, now)
            taken = found[:tokens]
            for misses in {row.query_misses for row in taken}:
                alike = [row.id for row in taken if row.query_misses == misses]
                again_at = now + asker.retry(misses)
                changed = {"next_query_at": again_at, "query_misses": misses + 1, "updated_at": now}
                conn.execute(sa.update(payouts).where(payouts.c.id.in_(alike)).values(changed))
            if taken:
                full_at = asker.pace.spend(len(taken), full_at, now)
                spend(conn, asker.customer_no, PaceKind.QUERY, full_at)
            rest = asker.pace.wait(full_at, now) if tokens < len(found) else None
            return DueQueries(tuple(row.id for row in taken), rest)

    def hurry(self, payout_id: int, spacing: timedelta) -> None:
        """
        Make the next follow-up query due now, unless the row was touched within `spacing`.
        """
        with self._writing() as (conn, now):
            conn.execute(
                sa.update(payouts)
                .where(
                    payouts.c.id == payout_id,
                    payouts.c.next_query_at > now,
                    payouts.c.updated_at <= now - spacing,
                )
                .values(next_query_at=now, updated_at=now)
            )


def find_due_sends(
    conn: sa.Connection, frontier: Frontier, customer_no: str, now: datetime, limit: int
) -> Sequence[int]:
    """
    What one merchant may send by its time, the longest due first.
    """
    since = frontier.since(customer_no, now)
    wanted = {"merchant": customer_no, "now": now, "since": since, "most": limit}
    found = conn.execute(_DUE_SENDS, wanted).all()
    frontier.found(customer_no, since, found[0].next_send_at if found else None, now)
    return [row.id for row in found]


def ask_now(conn: sa.Connection, payout_ids: Sequence[int], now: datetime) -> None:
    """
    Make the next question about each of these payouts due now.
    """
    conn.execute(
        sa.update(payouts)
        .where(payouts.c.id.in_(payout_ids))
        .values(
            next_query_at=sa.case(
                (payouts.c.next_query_at <= now, payouts.c.next_query_at), else_=now
            ),
            version=payouts.c.version + 1,
            updated_at=now,
        )
    )


def put_off(conn: sa.Connection, payout_id: int, now: datetime, until: datetime) -> None:
    """
    Do not look at a payout that is due before then.
    """
    due = sa.update(payouts).where(payouts.c.id == payout_id, payouts.c.next_send_at <= now)
    conn.execute(due.values(next_send_at=until))


def _unlocked(rows: sa.Select[Any]) -> sa.Select[Any]:
    return rows.with_for_update(of=payouts, key_share=True, skip_locked=True)

"""
How the service is as a whole: what alerts are made from.

Everything is read by an index, so that it can be asked every few seconds of ten million payouts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.health import CertificateKind, Health, OtherMerchant
from worker.payouts.model import CaseKind
from worker.payouts.pace import PaceKind
from worker.payouts.status import PayoutStatus
from worker.store.base import Base
from worker.store.channel_tables import channels, paces
from worker.store.channels import is_set_aside, is_stopped
from worker.store.checkpoints import newest_checkpoint
from worker.store.clock import read_clock
from worker.store.event_reads import longest_waiting, unheard_since
from worker.store.health_tables import certificates, foreign_notifications, sweeps
from worker.store.people_tables import PROPOSAL_WAITS, proposals
from worker.store.tables import (
    IN_DOUBT,
    IS_FOLLOWED,
    MAY_BE_SENT,
    WAITS,
    cases,
    evidence,
    installation,
    payouts,
    rejections,
)
from worker.store.types import UtcDateTime

_UNFINISHED = tuple(status for status in PayoutStatus if not status.is_final)
_AWAITING = tuple(status for status in PayoutStatus if status.awaits_gateway)

#: More than so many are not counted.
_MANY = 1000

#: Each merchant that has a payout, by one step through the index for each.
_MERCHANTS = sa.text(
    "WITH RECURSIVE merchants(customer_no) AS ("
    " SELECT min(customer_no) FROM payouts"
    " UNION ALL SELECT (SELECT min(p.customer_no) FROM payouts p"
    " WHERE p.customer_no > m.customer_no)"
    " FROM merchants m WHERE m.customer_no IS NOT NULL)"
    " SELECT customer_no FROM merchants WHERE customer_no IS NOT NULL"
)

_UNAPPLIED = sa.select(sa.func.min(evidence.c.received_at)).where(WAITS)

#: PostgreSQL tells it of our own sessions, and of all others to a member of `pg_read_all_stats`.
_OPEN_SINCE = sa.text(
    "SELECT least("
    " (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()),"
    " (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database())"
    ") AS since"
).columns(since=UtcDateTime)


class HealthStore(Base):
    """
    The figures of the ledger that show whether the work gets on.
    """

    def health(self, customer_no: str) -> Health:
        """
        How the service is as a whole, for one merchant.
        """
        with self._snapshot() as conn:
            now = read_clock(conn, self._clock)
            own = _Figures(conn, customer_no, now)
            switch = own.row(channels.c.paused_why, channels.c.broken_until)
            orphans = count_many(conn, cases, *own.open_cases(), cases.c.payout_id.is_(None))
            undelivered_at, undelivered_to = longest_waiting(conn)
            return Health(
                now=now,
                swept_at=own.value(sweeps.c.ended_at),
                paused_why=switch.paused_why if switch else None,
                broken_until=switch.broken_until if switch else None,
                in_doubt=own.payouts(IN_DOUBT, ~is_set_aside(payouts)),
                overdue=own.payouts(
                    payouts.c.status.in_(_AWAITING), payouts.c.overdue_at.is_not(None)
                ),
                held=own.payouts(payouts.c.status == PayoutStatus.HELD.value),
                open_cases=orphans
                + count_many(conn, cases, *own.open_cases(), cases.c.payout_id.is_not(None)),
                others=tuple(own.others()),
                sends_due=own.payouts(MAY_BE_SENT, payouts.c.next_send_at <= now),
                queries_due=own.payouts(IS_FOLLOWED, payouts.c.next_query_at <= now),
                send_due_at=own.first_due(payouts.c.next_send_at, MAY_BE_SENT, *is_free(now)),
                sent_at=own.value(paces.c.full_at, paces.c.kind == PaceKind.SEND),
                query_due_at=own.first_due(payouts.c.next_query_at, IS_FOLLOWED),
                asked_at=own.value(paces.c.full_at, paces.c.kind == PaceKind.QUERY),
                unapplied_at=conn.scalar(_UNAPPLIED),
                unannounced_at=unheard_since(conn),
                undelivered_at=undelivered_at,
                undelivered_to=undelivered_to,
                proposed_at=own.proposed_at(),
                orphans=orphans,
                tampered=count_many(
                    conn,
                    cases,
                    *own.open_cases(),
                    cases.c.payout_id.is_not(None),
                    cases.c.kind == CaseKind.TAMPERED.value,
                ),
                foreign=count_foreign(conn, customer_no),
                rejected=count_rejected(conn),
                certificates=own.certificates(),
                transaction_at=_open_since(conn),
                checkpoint=newest_checkpoint(conn),
            )


def count_foreign(conn: sa.Connection, customer_no: str) -> int:
    """
    How many notifications named another merchant since someone last looked.
    """
    seen = sa.select(sa.func.coalesce(sa.func.sum(foreign_notifications.c.seen), 0))
    return int(conn.scalar(seen.where(foreign_notifications.c.customer_no == customer_no)) or 0)


def count_rejected(conn: sa.Connection) -> int:
    """
    How many jobs were rejected since someone last looked; more than a thousand are not counted.
    """
    looked_at = conn.scalar(sa.select(installation.c.looked_at_rejection)) or 0
    return count_many(conn, rejections, rejections.c.id > looked_at)


def count_many(
    conn: sa.Connection, table: sa.FromClause, *conditions: sa.ColumnElement[bool]
) -> int:
    """
    How many rows there are; more than a thousand are not counted.
    """
    some = sa.select(sa.literal(1)).select_from(table).where(*conditions).limit(_MANY).subquery()
    return conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def is_free(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """
    Whether nothing keeps a payout from being sent once it is due.
    """
    waits = sa.exists().where(cases.c.payout_id == payouts.c.id, cases.c.closed_at.is_(None))
    return ~is_stopped(now), ~waits, payouts.c.doubted_at.is_(None)


@dataclass(frozen=True, slots=True)
class _Figures:
    """
    What one merchant's rows tell, in one transaction.
    """

    conn: sa.Connection
    customer_no: str
    now: datetime

    def row(
        self, *columns: sa.Column[Any], where: sa.ColumnElement[bool] | None = None
    ) -> sa.Row[Any] | None:
        """
        The merchant's own row of a table, if there is one.
        """
        table = columns[0].table
        found = sa.select(*columns).where(table.c.customer_no == self.customer_no)
        return self.conn.execute(found if where is None else found.where(where)).one_or_none()

    def value(self, column: sa.Column[Any], where: sa.ColumnElement[bool] | None = None) -> Any:
        """
        The one value of that row that is asked for.
        """
        row = self.row(column, where=where)
        return row[0] if row else None

    def payouts(self, *conditions: sa.ColumnElement[bool] | sa.TextClause) -> int:
        """
        How many payouts of the merchant there are for which all of that holds.
        """
        own = self._is_own()
        found = sa.select(sa.func.count()).select_from(payouts).where(own, *conditions)
        return self.conn.execute(found).scalar_one()

    def first_due(
        self, due_at: sa.Column[datetime], *conditions: sa.ColumnElement[bool] | sa.TextClause
    ) -> datetime | None:
        """
        Since when the payout is due that is so for longest.
        """
        found = sa.select(due_at).where(*conditions, due_at <= self.now, self._is_own())
        return self.conn.scalar(found.order_by(due_at).limit(1))

    def open_cases(self) -> tuple[sa.ColumnElement[bool], ...]:
        """
        The conditions of a merchant's cases that wait for a person.
        """
        return cases.c.customer_no == self.customer_no, cases.c.closed_at.is_(None)

    def others(self) -> Iterator[OtherMerchant]:
        """
        The other merchants who have unfinished payouts.
        """
        for other in self.conn.scalars(_MERCHANTS).all():
            theirs = payouts.c.customer_no + "" == other
            if other == self.customer_no:
                continue
            unfinished = payouts.c.status.in_(_UNFINISHED)
            if count := count_many(self.conn, payouts, unfinished, theirs):
                swept = sa.select(sweeps.c.ended_at).where(sweeps.c.customer_no == other)
                yield OtherMerchant(other, count, self.conn.scalar(swept))

    def proposed_at(self) -> datetime | None:
        """
        Since when the oldest proposal waits that is about a payout of the merchant.
        """
        waiting = sa.select(sa.func.min(proposals.c.proposed_at)).where(PROPOSAL_WAITS)
        about = waiting.join_from(proposals, payouts, payouts.c.id == proposals.c.payout_id)
        since: datetime | None = self.conn.scalar(about.where(self._is_own()))
        return since

    def certificates(self) -> dict[CertificateKind, datetime]:
        """
        Until when the certificates are valid that the workers last started with.
        """
        found = sa.select(certificates.c.kind, certificates.c.valid_until)
        own = found.where(certificates.c.customer_no == self.customer_no)
        return {row.kind: row.valid_until for row in self.conn.execute(own)}

    def _is_own(self) -> sa.ColumnElement[bool]:
        # Said so that SQLite does not read all rows of the merchant.
        return payouts.c.customer_no + "" == self.customer_no


def _open_since(conn: sa.Connection) -> datetime | None:
    """
    Since when the oldest transaction of anybody is open. SQLite does not tell.
    """
    if conn.dialect.name != "postgresql":
        return None
    since: datetime | None = conn.scalar(_OPEN_SINCE)
    return since

"""
How the service is as a whole: what alerts are made from.
"""

import sqlalchemy as sa

from worker.payouts.health import Health
from worker.payouts.status import PayoutStatus
from worker.store.base import Base
from worker.store.channels import is_set_aside
from worker.store.clock import read_clock
from worker.store.tables import (
    IN_DOUBT,
    IS_FOLLOWED,
    MAY_BE_SENT,
    cases,
    channels,
    installation,
    payouts,
)

_UNFINISHED = tuple(status for status in PayoutStatus if not status.is_final)
_AWAITING = tuple(status for status in PayoutStatus if status.awaits_gateway)


class HealthStore(Base):
    """
    The figures of the ledger that show whether the work gets on.
    """

    def health(self, customer_no: str) -> Health:
        """
        How the service is as a whole, for one merchant.
        """
        own = payouts.c.customer_no == customer_no
        switch = sa.select(channels.c.paused_why, channels.c.broken_until)
        switch = switch.where(channels.c.customer_no == customer_no)
        with self._snapshot() as conn:
            swept_at = conn.execute(sa.select(installation.c.swept_at)).scalar_one_or_none()
            channel = conn.execute(
                switch.where(channels.c.customer_no == customer_no)
            ).one_or_none()

            others = sa.select(sa.func.count()).select_from(payouts)
            others = others.where(payouts.c.status.in_(_UNFINISHED), ~own)

            def count(*conditions: sa.ColumnElement[bool] | sa.TextClause) -> int:
                found = sa.select(sa.func.count()).select_from(payouts).where(own, *conditions)
                return conn.execute(found).scalar_one()

            waiting = sa.select(sa.func.count()).select_from(cases)
            waiting = waiting.where(cases.c.customer_no == customer_no, cases.c.closed_at.is_(None))
            now = read_clock(conn, self._clock)
            return Health(
                now=now,
                swept_at=swept_at,
                paused_why=channel.paused_why if channel else None,
                broken_until=channel.broken_until if channel else None,
                in_doubt=count(IN_DOUBT, ~is_set_aside(payouts)),
                overdue=count(payouts.c.status.in_(_AWAITING), payouts.c.overdue_at.is_not(None)),
                held=count(payouts.c.status == PayoutStatus.HELD.value),
                open_cases=conn.execute(waiting).scalar_one(),
                others=conn.execute(others).scalar_one(),
                sends_due=count(MAY_BE_SENT, payouts.c.next_send_at <= now),
                queries_due=count(IS_FOLLOWED, payouts.c.next_query_at <= now),
            )

"""
Whether the sweeps go on, and whether the database is still the one that they knew.
"""

from datetime import timedelta

import sqlalchemy as sa

from worker.payouts.health import Health
from worker.payouts.progress import Progress
from worker.payouts.status import PayoutStatus
from worker.store.base import Base
from worker.store.channels import is_set_aside
from worker.store.clock import read_clock
from worker.store.tables import (
    IN_DOUBT,
    IS_FOLLOWED,
    MAY_BE_SENT,
    attempts,
    cases,
    channels,
    decisions,
    installation,
    payouts,
)

_UNFINISHED = tuple(status for status in PayoutStatus if not status.is_final)
_AWAITING = tuple(status for status in PayoutStatus if status.awaits_gateway)

# Made once: each batch of claims asks it.
_COUNTED = sa.select(installation.c.uid, installation.c.sweep_count)
_REMEMBERED = _COUNTED.add_columns(
    *(
        sa.exists()
        .where(
            attempts.c.id == sa.bindparam(f"{whose}_attempt", type_=sa.BigInteger),
            attempts.c.lease_token == sa.bindparam(f"{whose}_token", type_=sa.String),
        )
        .label(f"has_{whose}")
        for whose in ("known", "own")
    )
)


class HealthStore(Base):
    """
    The database's own heartbeat and epoch.
    """

    def sweep_count(self) -> Progress:
        """
        How many sweeps this database has counted.
        """
        with self._snapshot() as conn:
            return Progress(*conn.execute(_COUNTED).one())

    def count_sweep(self) -> Progress:
        """
        Count one more sweep, at the database's time.
        """
        with self._writing() as (conn, now):
            counted = conn.execute(
                sa.update(installation)
                .values(sweep_count=installation.c.sweep_count + 1, swept_at=now)
                .returning(installation.c.uid, installation.c.sweep_count)
            )
            return Progress(*counted.one())

    def has_forgotten(self, known: Progress, own: Progress | None = None) -> bool | None:
        """
        Whether this database lacks something of what is known; None if that is of another epoch.

        `own` is the asker's newest attempt, where there is one: it may be lost by now, too.
        """
        own = own or known
        named = {
            "known_attempt": known.attempt_id,
            "known_token": known.token,
            "own_attempt": own.attempt_id,
            "own_token": own.token,
        }
        with self._snapshot() as conn:
            row = conn.execute(_REMEMBERED, named).one()
        if row.uid != known.uid:
            return None
        lacks_known = known.attempt_id and not row.has_known
        lacks_own = own.attempt_id and not row.has_own
        return bool(row.sweep_count < known.sweeps or lacks_known or lacks_own)

    def begin_epoch(self, who: str, why: str, ask_first_for: timedelta) -> int:
        """
        Raise the epoch, and ask about every unfinished payout before anything is sent.

        Returns how many there are. The epoch has a name of its own, so that nobody takes what was
        known of the one before for what this one has forgotten.
        """
        with self._writing() as (conn, now):
            conn.execute(
                sa.update(installation).values(
                    epoch=installation.c.epoch + 1,
                    uid=self._new_token(),
                    restored_at=now,
                    ask_first_until=now + ask_first_for,
                )
            )
            doubted = conn.execute(
                sa.update(payouts)
                .where(payouts.c.status.in_(_UNFINISHED))
                .values(
                    doubted_at=now,
                    next_query_at=now,
                    query_misses=0,
                    version=payouts.c.version + 1,
                    updated_at=now,
                )
            )
            conn.execute(
                sa.insert(decisions).values(action="restored", who=who, why=why, proof=[], at=now)
            )
            return doubted.rowcount

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

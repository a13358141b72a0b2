"""
Whether a merchant's payouts may be sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.policy.circuit_breaker import Tally
from worker.payouts.status import PayoutStatus
from worker.store.base import Base
from worker.store.channel_tables import channels
from worker.store.clock import read_clock
from worker.store.tables import FROM_SENDING, payouts, transitions
from worker.store.writes import insert_new


def is_stopped(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """
    True, in a statement over payouts, for those whose merchant nothing may be sent for at `now`.

    Someone or something paused it, the circuit breaker is open, or payouts are in doubt that a
    restored database has held. One accepted since then holds up itself alone, and so does one that
    a person has set aside since.
    """
    doubted = payouts.alias("doubted")
    stopped = channels.c.paused_at.is_not(None) | (channels.c.broken_until > now)
    return sa.or_(
        sa.exists().where(channels.c.customer_no == payouts.c.customer_no, stopped),
        sa.exists().where(
            doubted.c.customer_no == payouts.c.customer_no,
            doubted.c.doubted_at >= doubted.c.accepted_at,
            ~is_set_aside(doubted),
        ),
    )


def is_set_aside(doubted: sa.FromClause) -> sa.ColumnElement[bool]:
    """
    Whether a person has set aside a doubt that is as old: after the next restore it counts again.
    """
    at = doubted.c.set_aside_at
    return sa.and_(at.is_not(None), at >= doubted.c.doubted_at)


class Channels(Base):
    """
    The switch of each merchant.
    """

    def pause(self, customer_no: str, why: str, actor: str) -> None:
        """
        Stop sending for one merchant. The first reason remains until someone resumes.
        """
        with self._writing() as (conn, now):
            pause_channel(conn, now, customer_no, why, actor)

    def resume(self, customer_no: str, why: str, actor: str) -> None:
        """
        Let sending go on, and forget the count of unverifiable replies.
        """
        with self._writing() as (conn, now):
            _ensure(conn, customer_no)
            conn.execute(
                _update(customer_no).values(
                    paused_at=None,
                    paused_why=None,
                    paused_by=None,
                    resumed_at=now,
                    resumed_why=why,
                    resumed_by=actor,
                    unverifiable=0,
                    broken_until=None,
                )
            )

    def tally(self, customer_no: str, window: timedelta) -> Tally:
        """
        What came of the transmissions that ended in `window`, since the breaker last closed.
        """
        with self._snapshot() as conn:
            now = read_clock(conn, self._clock)
            broken_until = conn.scalar(
                sa.select(channels.c.broken_until).where(channels.c.customer_no == customer_no)
            )
            since = max(now - window, broken_until or now - window)
            unknown = transitions.c.to_status == PayoutStatus.UNKNOWN.value
            ended, unclear = conn.execute(
                sa.select(sa.func.count(), sa.func.count().filter(unknown))
                .join_from(transitions, payouts, payouts.c.id == transitions.c.payout_id)
                .where(
                    FROM_SENDING,
                    transitions.c.at > since,
                    transitions.c.to_status != PayoutStatus.QUEUED.value,
                    payouts.c.customer_no == customer_no,
                )
            ).one()
            return Tally(ended, unclear)

    def open_breaker(self, customer_no: str, rest: timedelta) -> None:
        """
        Let nothing be sent for one merchant for `rest` from now.
        """
        with self._writing() as (conn, now):
            _ensure(conn, customer_no)
            conn.execute(_update(customer_no).values(broken_until=now + rest))


def pause_channel(
    conn: sa.Connection, now: datetime, customer_no: str, why: str, actor: str
) -> None:
    """
    Stop sending for one merchant, unless it is stopped already.
    """
    _ensure(conn, customer_no)
    conn.execute(
        _update(customer_no)
        .where(channels.c.paused_at.is_(None))
        .values(paused_at=now, paused_why=why, paused_by=actor)
    )


def count_unverifiable(
    conn: sa.Connection, customer_no: str, verified: Sequence[bool], known: int
) -> int:
    """
    Count answers in a row that did not verify, over payouts; return how many it came to.

    An answer that verifies starts the count again, yet the peak before it is what is returned.
    `known` is the count as this transaction has seen it.
    """
    if all(verified) and not (verified and known):
        return 0  # the common case asks and writes nothing, so that payouts do not queue for a row
    _ensure(conn, customer_no)
    counted = sa.select(channels.c.unverifiable).where(channels.c.customer_no == customer_no)
    before = count = conn.execute(counted.with_for_update()).scalar_one()
    peak = 0
    for one in verified:
        count = 0 if one else count + 1
        peak = max(peak, count)
    if count != before:
        conn.execute(_update(customer_no).values(unverifiable=count))
    return peak


def _ensure(conn: sa.Connection, customer_no: str) -> None:
    insert_new(conn, channels, customer_no=customer_no, unverifiable=0)


def _update(customer_no: str) -> sa.Update:
    return sa.update(channels).where(channels.c.customer_no == customer_no)

"""
The lease under which a payout is on the wire.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.model import Attempt, AttemptOutcome
from worker.payouts.status import PayoutStatus
from worker.store.base import Base
from worker.store.channels import is_stopped
from worker.store.tables import attempts, payouts
from worker.store.types import UtcDateTime

_NOW = sa.bindparam("now", type_=UtcDateTime)

# Made once: making a statement costs more than the statement does.
_RENEW = (
    sa.update(payouts)
    .where(
        payouts.c.id == sa.bindparam("payout"),
        payouts.c.status == PayoutStatus.SENDING,
        payouts.c.lease_token == sa.bindparam("token"),
        payouts.c.lease_until > _NOW,
        ~is_stopped(_NOW),
    )
    .values(lease_until=sa.bindparam("until", type_=UtcDateTime))
)


def end_leases(conn: sa.Connection, payout_ids: Sequence[int], now: datetime) -> None:
    """
    Close, as lost, the open attempts of payouts whose lease has run out, and end the leases.
    """
    conn.execute(
        sa.update(attempts)
        .where(attempts.c.payout_id.in_(payout_ids), attempts.c.outcome.is_(None))
        .values(outcome=AttemptOutcome.LOST, detail="lease expired", closed_at=now)
    )
    conn.execute(
        sa.update(payouts)
        .where(payouts.c.id.in_(payout_ids), payouts.c.lease_token.is_not(None))
        .values(
            lease_ended_at=payouts.c.lease_until,
            lease_token=None,
            lease_until=None,
            version=payouts.c.version + 1,
            updated_at=now,
        )
    )


class Leases(Base):
    """
    Until when a payout may be put on the wire.
    """

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease; False unless it is still this attempt's and sending is allowed.
        """
        with self._writing() as (conn, now):
            owned = {"payout": attempt.payout_id, "token": attempt.lease_token, "now": now}
            return conn.execute(_RENEW, {**owned, "until": now + lease}).rowcount == 1

"""
The lease under which a payout is on the wire.
"""

from datetime import timedelta

import sqlalchemy as sa

from worker.payouts.model import Attempt
from worker.payouts.status import PayoutStatus
from worker.store.base import Base
from worker.store.channels import is_stopped
from worker.store.tables import payouts
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

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


class Leases(Base):
    """
    Until when a payout may be put on the wire.
    """

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease; False unless it is still this attempt's and sending is allowed.
        """
        with self._writing() as (conn, now):
            renewed = conn.execute(
                sa.update(payouts)
                .where(
                    payouts.c.id == attempt.payout_id,
                    payouts.c.status == PayoutStatus.SENDING,
                    payouts.c.lease_token == attempt.lease_token,
                    payouts.c.lease_until > now,
                    ~is_stopped(now),
                )
                .values(lease_until=now + lease)
            )
            return renewed.rowcount == 1

"""
Questions that JD does not answer.
"""

from datetime import datetime

import sqlalchemy as sa

from worker.store.base import Base
from worker.store.tables import evidence, payouts


class SilenceNotes(Base):
    """
    Since when JD has been asked in vain.
    """

    def note_unanswered(self, payout_id: int, asked_at: datetime) -> None:
        """
        Record that JD was asked in vain: since when, unless it told something in between, and last.
        """
        told = sa.exists().where(
            evidence.c.payout_id == payouts.c.id,
            evidence.c.verified,
            evidence.c.received_at >= payouts.c.unanswered_since,
        )
        going_on = payouts.c.unanswered_since.is_not(None) & ~told
        since = sa.case((going_on, payouts.c.unanswered_since), else_=asked_at)
        silent = sa.update(payouts).where(payouts.c.id == payout_id)
        with self._writing() as (conn, _):
            conn.execute(silent.values(unanswered_since=since, unanswered_at=asked_at))

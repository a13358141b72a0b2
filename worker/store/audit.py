"""
Reading everything, a few rows at a time: for an audit over millions of payouts.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from worker.payouts.policy.effects import FREEING
from worker.store.base import Base
from worker.store.tables import decisions, payouts


class Audit(Base):
    """
    What an audit needs beside the dossiers and histories.
    """

    def ids_after(self, payout_id: int, limit: int) -> Sequence[int]:
        """
        The next payouts in order of acceptance, beginning behind this one.
        """
        following = sa.select(payouts.c.id).where(payouts.c.id > payout_id)
        with self._snapshot() as conn:
            return conn.scalars(following.order_by(payouts.c.id).limit(limit)).all()

    def find_unproven_releases(self) -> Sequence[str]:
        """
        The numbers whose obligation was freed without a recorded decision.
        """
        decided = sa.exists().where(
            decisions.c.payout_id == payouts.c.id,
            decisions.c.action.in_([action.value for action in FREEING]),
        )
        found = sa.select(payouts.c.out_trade_no).where(
            payouts.c.released_at.is_not(None), ~decided
        )
        with self._snapshot() as conn:
            return conn.scalars(found.order_by(payouts.c.id)).all()

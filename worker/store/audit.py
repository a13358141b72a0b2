"""
Reading everything, a few rows at a time: for an audit over millions of payouts.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from worker.payouts.model import Case
from worker.payouts.policy.effects import FREEING
from worker.payouts.status import PayoutStatus
from worker.store import rows
from worker.store.base import Base
from worker.store.tables import cases, decisions, payouts


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

    def count(self, status: PayoutStatus | None = None) -> int:
        """
        How many payouts there are, optionally of one status.
        """
        counted = sa.select(sa.func.count()).select_from(payouts)
        if status is not None:
            counted = counted.where(payouts.c.status == status)
        with self._snapshot() as conn:
            return conn.execute(counted).scalar_one()

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

    def cases_of(self, payout_id: int) -> Sequence[Case]:
        """
        All cases of one payout, closed ones included.
        """
        found = sa.select(cases).where(cases.c.payout_id == payout_id).order_by(cases.c.id)
        with self._snapshot() as conn:
            return [rows.to_case(row) for row in conn.execute(found).mappings()]

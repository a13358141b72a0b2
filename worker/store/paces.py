"""
How far a merchant's pace is used up.
"""

from datetime import datetime

import sqlalchemy as sa

from worker.payouts.pace import PaceKind
from worker.store.channel_tables import paces


def spend(conn: sa.Connection, customer_no: str, kind: PaceKind, full_at: datetime) -> None:
    """
    Record how far a bucket that is held was emptied.
    """
    held = sa.update(paces).where(paces.c.customer_no == customer_no, paces.c.kind == kind)
    conn.execute(held.values(full_at=full_at))

"""
Cases: what a person has to look into.
"""

from datetime import datetime

import sqlalchemy as sa

from worker.payouts.model import Payout
from worker.payouts.update import CaseNote
from worker.store.tables import cases


def open_case(conn: sa.Connection, now: datetime, payout: Payout, note: CaseNote) -> None:
    """
    Open a case, unless one like it is open, or was closed and nothing is new.
    """
    # What a person closed stays closed until new evidence of the same kind arrives.
    same = cases.c.evidence_id.is_not_distinct_from(note.evidence_id)
    stands = cases.c.closed_at.is_(None) | (sa.literal(not note.reopens) & same)
    seen = sa.select(cases.c.id).where(
        cases.c.payout_id == payout.id, cases.c.kind == note.kind, stands
    )
    if conn.execute(seen).first() is None:
        conn.execute(
            sa.insert(cases).values(
                kind=note.kind,
                customer_no=payout.terms.customer_no,
                out_trade_no=payout.out_trade_no,
                payout_id=payout.id,
                evidence_id=note.evidence_id,
                opened_at=now,
            )
        )

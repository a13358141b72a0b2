"""
Cases: what a person has to look into.
"""

from datetime import datetime

import sqlalchemy as sa

from worker.payouts.model import Payout
from worker.payouts.policy.cases import answering
from worker.payouts.update import CaseNote
from worker.store import rows
from worker.store.events import append_case
from worker.store.tables import cases


def open_case(conn: sa.Connection, now: datetime, payout: Payout, note: CaseNote) -> None:
    """
    Open a case, unless one like it is open, or was closed and nothing is new.

    One that is open names the newest evidence from now on; closing it covers that and all before.
    """
    alike = sa.select(cases).where(cases.c.payout_id == payout.id, cases.c.kind == note.kind)
    found = answering(note, [rows.to_case(row) for row in conn.execute(alike).mappings()])
    if found is None:
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
        append_case(conn, payout, note.kind, now)
    elif found.closed_at is None and (note.evidence_id or 0) > (found.evidence_id or 0):
        brought_forward = sa.update(cases).where(cases.c.id == found.id)
        conn.execute(brought_forward.values(evidence_id=note.evidence_id))

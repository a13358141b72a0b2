"""
How a decision is written down, whoever made it.
"""

import secrets
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.model import Payout
from worker.payouts.policy.actions import Decision
from worker.store.dossiers import read_row
from worker.store.people_tables import former_requests
from worker.store.rows import seal_request, to_request
from worker.store.seals import Seals
from worker.store.tables import cases, decisions, payouts
from worker.store.writes import write_row


def write_decided(conn: sa.Connection, before: Payout, after: Payout, seals: Seals) -> None:
    """
    Write what a person decided from a row as it was read. Raises `StaleTransition`.
    """
    if not write_row(conn, before, after, seals):
        raise StaleTransition(f"payout {before.id} changed meanwhile; look again")


def record_decision(
    conn: sa.Connection,
    now: datetime,
    payout_id: int | None,
    decision: Decision,
    *,
    replaced_by: int | None = None,
) -> None:
    """
    Record a decision, and close the cases that it answers. Raises `StaleTransition`.
    """
    if decision.case_id is not None:
        closed = conn.execute(
            sa.update(cases)
            .where(cases.c.id == decision.case_id, cases.c.closed_at.is_(None))
            .values(closed_at=now)
        )
        if closed.rowcount == 0:
            raise StaleTransition(f"case {decision.case_id} is closed already")
    conn.execute(
        sa.insert(decisions).values(
            payout_id=payout_id,
            case_id=decision.case_id,
            action=decision.action.value,
            who=decision.who,
            why=decision.why,
            proof=list(decision.proof),
            replaced_by=replaced_by,
            proposal_id=decision.proposal_id,
            at=now,
        )
    )
    for other in decision.others:
        record_decision(conn, now, payout_id, other)


def mend_request(
    conn: sa.Connection,
    payout: Payout,
    request: str,
    seals: Seals,
    decision: Decision,
    now: datetime,
) -> None:
    """
    Have another request sent from now on, and keep the one before it.
    """
    before = to_request(read_row(conn, payout.id), seals)
    assert before is not None
    former = {"uid": secrets.token_hex(16), "payout_id": payout.id}
    conn.execute(
        sa.insert(former_requests).values(
            **former,
            sealed_request=seals.seal(former_requests.c.sealed_request, former, before),
            replaced_by=decision.who,
            replaced_at=now,
        )
    )
    own = sa.update(payouts).where(payouts.c.id == payout.id)
    conn.execute(own.values(sealed_request=seal_request(payout, request, seals)))

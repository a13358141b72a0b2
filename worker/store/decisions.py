"""
How a decision is written down, whoever made it.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.model import Payout
from worker.payouts.policy.actions import Decision
from worker.payouts.vouching import with_decision
from worker.store.dossiers import read_row
from worker.store.history import decision_said
from worker.store.people_tables import former_requests
from worker.store.rows import seal_request, to_request
from worker.store.seals import Seals
from worker.store.tables import cases, decisions, payouts
from worker.store.writes import Move, write_moves, write_rows


def write_decided(
    conn: sa.Connection,
    move: Move,
    decision: Decision,
    now: datetime,
    seals: Seals,
    *,
    replaced_by: int | None = None,
) -> None:
    """
    Write what a person decided of a payout, as it was read, and record it.

    Closes the cases that it answers. Raises `StaleTransition`.
    """
    recorded = _columns(move.before.id, decision, now, replaced_by)
    vouched = move.after.vouched
    for columns in recorded:
        vouched = with_decision(vouched, decision_said(columns))
    decided = [move._replace(after=replace(move.after, vouched=vouched))]
    if replaced_by is not None:
        # It stays what it is, and its debt becomes free for the replacement alone: no event.
        is_written = write_rows(conn, decided, seals)
    else:
        is_written = write_moves(conn, decided, decision.who, seals)
    if not is_written:
        raise StaleTransition(f"payout {move.before.id} changed meanwhile; look again")
    _record(conn, recorded)


def record_decision(conn: sa.Connection, decision: Decision, now: datetime) -> None:
    """
    Record a decision about no payout, and close its case. Raises `StaleTransition`.
    """
    _record(conn, _columns(None, decision, now))


def _columns(
    payout_id: int | None, decision: Decision, now: datetime, replaced_by: int | None = None
) -> list[dict[str, Any]]:
    """
    The rows of a decision, and of those that close other cases.
    """
    return [
        {
            "payout_id": payout_id,
            "case_id": one.case_id,
            "action": one.action.value,
            "who": one.who,
            "why": one.why,
            "proof": list(one.proof),
            "replaced_by": replaced_by if one is decision else None,
            "proposal_id": one.proposal_id,
            "at": now,
        }
        for one in (decision, *decision.others)
    ]


def _record(conn: sa.Connection, recorded: Sequence[Mapping[str, Any]]) -> None:
    for columns in recorded:
        if (case_id := columns["case_id"]) is not None:
            is_open = cases.c.id == case_id, cases.c.closed_at.is_(None)
            closed = conn.execute(sa.update(cases).where(*is_open).values(closed_at=columns["at"]))
            if closed.rowcount == 0:
                raise StaleTransition(f"case {case_id} is closed already")
        conn.execute(sa.insert(decisions).values(**columns))


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

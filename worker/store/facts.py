"""
Which tables hold what is never changed, and which of their columns may change all the same.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from worker.store.checkpoint_tables import checkpoint_histories, checkpoints
from worker.store.control_tables import control_changes
from worker.store.event_tables import deliveries, delivery_tries, events
from worker.store.fences import Fence
from worker.store.health_tables import ended_epochs
from worker.store.people_tables import former_requests, people, proposals, services
from worker.store.producer_tables import job_keys, producers, tokens
from worker.store.tables import (
    attempts,
    cases,
    decisions,
    evidence,
    obligations,
    payouts,
    rejections,
    transitions,
)


def _fence(table: sa.Table, *changing: str, **fixed_by: Sequence[str]) -> Fence:
    """
    All is fixed but `changing`, and what is fixed later, by the column that says so.
    """
    late = {name for names in fixed_by.values() for name in names}
    fixed = [one.name for one in table.c if one.name not in {*changing} | late]
    is_whole = not changing and not late
    return Fence(table.name, None if is_whole else fixed, fixed_by)


_APPROVED_KEY = ("approved_at", "approved_uid", "approved_login_uid", "approved_name")
_APPROVED = (*_APPROVED_KEY, "unchecked")

FENCES = (
    _fence(obligations, "owed_fen", "committed_fen", "payout_count", "seal"),
    _fence(
        payouts,
        *("gateway_url", "sealed_payee", "sealed_order", "sealed_request", "sealed_job"),
        *("status", "reason"),
        *("version", "exposed", "updated_at", "trade_no", "returned_fen", "resends"),
        *("lease_token", "lease_until", "lease_ended_at", "first_sent_at", "last_sent_at"),
        *("finalized_at", "next_send_at", "next_query_at", "query_misses", "let_go_at"),
        *("doubted_at", "overdue_at", "released_at", "proposal_id", "set_aside_at"),
        *("redirected_at", "unanswered_since", "unanswered_at", "attempt_count"),
        *("message_count", "history", "seal", "payee_digest"),
    ),
    _fence(attempts, "seal", closed_at=("closed_at", "outcome", "detail")),
    _fence(
        evidence,
        "sealed_raw",
        payout_id=("payout_id",),  # an orphan is adopted
        applied_at=("applied_at",),
        uid=("uid",),  # what older versions inserted has none yet
        place=("place",),
    ),
    _fence(transitions),
    _fence(cases, closed_at=("closed_at", "evidence_id")),
    _fence(decisions),
    _fence(
        proposals,
        "seal",
        approved_at=_APPROVED,
        voided_at=("voided_at", "voided_why"),
    ),
    _fence(former_requests, "sealed_request", uid=("uid",)),
    _fence(rejections),
    _fence(events, position=("position",)),
    _fence(deliveries, "due_at", "next_at", "tries", "delivered_at"),
    _fence(delivery_tries),
    _fence(people, removed_at=("removed_at", "removed_by", "removed_why")),
    _fence(services),
    _fence(producers, disabled_at=("disabled_at", "disabled_by", "disabled_why")),
    _fence(tokens, revoked_at=("revoked_at", "revoked_by", "revoked_why")),
    _fence(
        job_keys,
        "seal",
        approved_at=_APPROVED_KEY,
        retired_at=("retired_at", "retired_by", "retired_why"),
    ),
    _fence(
        control_changes,
        "sealed_payee",
        approved_at=_APPROVED,
        voided_at=("voided_at", "voided_why"),
    ),
    _fence(ended_epochs),
    _fence(checkpoints, "seal"),
    _fence(checkpoint_histories),
)


#: The triggers that are there and not switched off.
_AT_WORK = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        " AND c.relnamespace = current_schema()::regnamespace"
    ),
}


def fallen_fences(conn: sa.Connection) -> Sequence[str]:
    """
    The tables of which somebody took a trigger away, or switched one off.
    """
    dialect = conn.dialect.name
    at_work = {*conn.scalars(sa.text(_AT_WORK[dialect]))}
    return [one.table for one in FENCES if not {*one.triggers(dialect)} <= at_work]


def _build(table: sa.Table, fence: Fence) -> None:
    def build(_table: sa.Table, conn: sa.Connection, **_: Any) -> None:
        for statement in fence.statements(conn.dialect.name):
            conn.exec_driver_sql(statement)

    event.listen(table, "after_create", build)


for _one in FENCES:
    _build(payouts.metadata.tables[_one.table], _one)

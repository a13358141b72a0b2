"""
Triggers that refuse whoever would change or delete what is written down.

No version ever did, so the version before works on beside the new one. Frozen, as every revision.
"""

from alembic import op

from worker.store.fences import Fence

revision = "0018"
down_revision = "0017"

_FENCES = (
    Fence("obligations", ("id", "namespace", "name", "created_at")),
    Fence(
        "payouts",
        (
            "id",
            "profile",
            "customer_no",
            "notify_url",
            "out_trade_no",
            "amount_fen",
            "currency",
            "obligation",
            "producer",
            "payee_masked",
            "bank_code",
            "accepted_at",
            "send_before",
            "obligation_id",
            "job_key",
        ),
    ),
    Fence(
        "attempts",
        ("id", "payout_id", "number", "lease_token", "started_at"),
        {"closed_at": ("closed_at", "outcome", "detail")},
    ),
    Fence(
        "evidence",
        (
            "id",
            "customer_no",
            "out_trade_no",
            "attempt_id",
            "source",
            "digest",
            "asked_at",
            "received_at",
            "verified",
            "meaning",
            "code",
            "merchant",
            "number",
            "amount_fen",
            "currency",
            "trade_status",
            "trade_no",
            "refund_fen",
            "reason_code",
            "traded_at",
        ),
        {
            "payout_id": ("payout_id",),
            "applied_at": ("applied_at",),
            "uid": ("uid",),
            "place": ("place",),
        },
    ),
    Fence("transitions"),
    Fence(
        "cases",
        ("id", "kind", "customer_no", "out_trade_no", "payout_id", "opened_at"),
        {"closed_at": ("closed_at", "evidence_id")},
    ),
    Fence("decisions"),
    Fence(
        "proposals",
        (
            "id",
            "payout_id",
            "ended_as",
            "returned_fen",
            "reference",
            "why",
            "evidence_id",
            "proposed_uid",
            "proposed_login_uid",
            "proposed_name",
            "proposed_at",
            "unanswered_since",
        ),
        {
            "approved_at": (
                "approved_at",
                "approved_uid",
                "approved_login_uid",
                "approved_name",
                "unchecked",
            ),
            "voided_at": ("voided_at", "voided_why"),
        },
    ),
    Fence("former_requests", ("id", "payout_id", "replaced_by", "replaced_at"), {"uid": ("uid",)}),
    Fence("rejections"),
    Fence(
        "events",
        (
            "id",
            "uid",
            "type",
            "at",
            "producer",
            "customer_no",
            "out_trade_no",
            "payout_id",
            "obligation",
            "epoch",
            "version",
            "status",
            "reason",
            "amount_fen",
            "returned_fen",
            "case_kind",
            "repayable_from",
            "faults",
        ),
        {"position": ("position",)},
    ),
    Fence("deliveries", ("id", "endpoint_id", "event_id", "payout_id")),
    Fence("delivery_tries"),
    Fence(
        "people",
        ("id", "uid", "name", "added_by", "added_why", "added_at"),
        {"removed_at": ("removed_at", "removed_by", "removed_why")},
    ),
    Fence("services"),
    Fence(
        "producers",
        ("name", "added_by", "added_at"),
        {"disabled_at": ("disabled_at", "disabled_by", "disabled_why")},
    ),
    Fence(
        "tokens",
        ("id", "producer", "digest", "scope", "name", "issued_by", "issued_at", "expires_at"),
        {"revoked_at": ("revoked_at", "revoked_by", "revoked_why")},
    ),
    Fence(
        "job_keys",
        (
            "id",
            "name",
            "kind",
            "producer",
            "added_uid",
            "added_login_uid",
            "added_name",
            "added_at",
        ),
        {
            "approved_at": ("approved_at", "approved_uid", "approved_login_uid", "approved_name"),
            "retired_at": ("retired_at", "retired_by", "retired_why"),
        },
    ),
    Fence("ended_epochs"),
)


def upgrade() -> None:
    """
    Fence the tables.
    """
    for fence in _FENCES:
        for statement in fence.statements(op.get_context().dialect.name):
            op.execute(statement)

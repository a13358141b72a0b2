"""
The first tables: payouts, and what happened to them.

Frozen: what the tables looked like on that day. Later changes are revisions of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Create them.
    """
    op.create_table(
        "payouts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("gateway_url", sa.String(), nullable=False),
        sa.Column("notify_url", sa.String(), nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("obligation", sa.String(), nullable=False),
        sa.Column("producer", sa.String(), nullable=False),
        sa.Column("payee_masked", sa.String(), nullable=False),
        sa.Column("bank_code", sa.String(), nullable=False),
        sa.Column("sealed_payee", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_order", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_request", sa.LargeBinary()),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exposed", sa.Boolean(), nullable=False),
        sa.Column("accepted_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("trade_no", sa.String()),
        sa.Column("returned_fen", sa.BigInteger(), nullable=False),
        sa.Column("resends", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String()),
        sa.Column("lease_until", _TIME),
        sa.Column("lease_ended_at", _TIME),
        sa.Column("first_sent_at", _TIME),
        sa.Column("last_sent_at", _TIME),
        sa.Column("settled_at", _TIME),
        sa.Column("next_send_at", _TIME),
        sa.Column("next_query_at", _TIME),
        sa.Column("query_misses", sa.Integer(), nullable=False),
        sa.Column("send_before", _TIME),
        sa.Column("let_go_at", _TIME),
        sa.Column("doubted_at", _TIME),
        sa.Column("overdue_at", _TIME),
        sa.Column("released_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (lease_until IS NULL)",
            name=op.f("ck_payouts_lease"),
        ),
        sa.CheckConstraint(
            "NOT exposed OR status NOT IN ('queued', 'held', 'cancelled')",
            name=op.f("ck_payouts_exposed"),
        ),
        sa.CheckConstraint("amount_fen BETWEEN 1 AND 999999999999", name=op.f("ck_payouts_amount")),
        sa.CheckConstraint(
            "returned_fen BETWEEN 0 AND amount_fen", name=op.f("ck_payouts_returned")
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'held', 'sending', 'refused', 'unknown', 'processing', "
            "'failed', 'paid', 'returned', 'cancelled')",
            name=op.f("ck_payouts_status"),
        ),
        sa.UniqueConstraint(
            "customer_no", "out_trade_no", name=op.f("uq_payouts_customer_no_out_trade_no")
        ),
    )
    _partial_index("ix_payouts_accepted_at", "payouts", "status = 'queued'", "accepted_at")
    _partial_index("ix_payouts_doubted_at", "payouts", "doubted_at IS NOT NULL", "customer_no")
    _partial_index(
        "ix_payouts_first_sent_at",
        "payouts",
        "status IN ('sending', 'refused', 'unknown', 'processing') AND overdue_at IS NULL",
        "first_sent_at",
    )
    _partial_index(
        "ix_payouts_lease_until",
        "payouts",
        "(status = 'sending' OR lease_until IS NOT NULL)",
        "lease_until",
    )
    _partial_index(
        "ix_payouts_next_query_at", "payouts", "next_query_at IS NOT NULL", "next_query_at"
    )
    _partial_index("ix_payouts_next_send_at", "payouts", "next_send_at IS NOT NULL", "next_send_at")
    op.create_index(op.f("ix_payouts_status_id"), "payouts", ["status", "id"])
    _partial_index(
        "uq_payouts_obligation",
        "payouts",
        "released_at IS NULL",
        "customer_no",
        "obligation",
        unique=True,
    )
    op.create_table(
        "attempts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("payout_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("outcome", sa.String(32)),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.CheckConstraint(
            "(outcome IS NULL) = (closed_at IS NULL)", name=op.f("ck_attempts_closed")
        ),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_attempts_payout_id")),
        sa.UniqueConstraint("payout_id", "number", name=op.f("uq_attempts_payout_id_number")),
    )
    _partial_index("uq_attempts_open", "attempts", "outcome IS NULL", "payout_id", unique=True)
    op.create_table(
        "evidence",
        sa.Column("id", _ID, nullable=False),
        sa.Column("payout_id", _ID),
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("attempt_id", _ID),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed_raw", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", _TIME),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("applied_at", _TIME),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("meaning", sa.String(32), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("member", sa.String()),
        sa.Column("number", sa.String()),
        sa.Column("amount_fen", sa.BigInteger()),
        sa.Column("currency", sa.String()),
        sa.Column("trade_status", sa.String(32)),
        sa.Column("trade_no", sa.String()),
        sa.Column("refund_fen", sa.BigInteger()),
        sa.Column("reason_code", sa.String()),
        sa.Column("traded_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_evidence_attempt_id")
        ),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_evidence_payout_id")),
    )
    op.create_index(op.f("ix_evidence_payout_id"), "evidence", ["payout_id"])
    _partial_index(
        "ix_evidence_waiting",
        "evidence",
        "applied_at IS NULL AND payout_id IS NOT NULL",
        "payout_id",
    )
    _partial_index(
        "uq_evidence_notification",
        "evidence",
        "source = 'notification' AND payout_id IS NOT NULL",
        "payout_id",
        "digest",
        "verified",
        unique=True,
    )
    _partial_index(
        "uq_evidence_orphan",
        "evidence",
        "source = 'notification' AND payout_id IS NULL",
        "customer_no",
        "out_trade_no",
        "digest",
        "verified",
        unique=True,
    )
    op.create_table(
        "transitions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("payout_id", _ID, nullable=False),
        sa.Column("from_status", sa.String(32)),
        sa.Column("to_status", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("evidence_id", _ID),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        sa.CheckConstraint(
            "from_status IS NULL OR from_status <> to_status",
            name=op.f("ck_transitions_moved"),
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_transitions_evidence_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_transitions_payout_id")
        ),
    )
    _partial_index("ix_transitions_at", "transitions", "from_status = 'sending'", "at")
    op.create_index(op.f("ix_transitions_payout_id"), "transitions", ["payout_id"])


def _partial_index(name: str, table: str, where: str, *columns: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        op.f(name),
        table,
        list(columns),
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )

"""
The tables of people and controls.

Frozen: what the tables looked like on that day. Later changes are revisions of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Create them.
    """
    op.create_table(
        "channels",
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("paused_at", _TIME),
        sa.Column("paused_why", sa.String()),
        sa.Column("paused_by", sa.String()),
        sa.Column("resumed_at", _TIME),
        sa.Column("resumed_why", sa.String()),
        sa.Column("resumed_by", sa.String()),
        sa.Column("unverifiable", sa.Integer(), nullable=False),
        sa.Column("broken_until", _TIME),
        sa.PrimaryKeyConstraint("customer_no", name=op.f("pk_channels")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", _TIME),
        sa.Column("sealed_sample", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single")),
    )
    op.create_table(
        "rejections",
        sa.Column("id", _ID, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("out_trade_no", sa.String()),
        sa.Column("producer", sa.String()),
        sa.Column("rejected_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejections")),
    )
    op.create_table(
        "cases",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("payout_id", _ID),
        sa.Column("evidence_id", _ID),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_cases_evidence_id")
        ),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_cases_payout_id")),
    )
    op.create_index(op.f("ix_cases_payout_id"), "cases", ["payout_id"])
    _partial_index(
        "uq_cases_open",
        "cases",
        "closed_at IS NULL AND payout_id IS NOT NULL",
        "payout_id",
        "kind",
        unique=True,
    )
    _partial_index(
        "uq_cases_open_orphan",
        "cases",
        "closed_at IS NULL AND payout_id IS NULL",
        "customer_no",
        "out_trade_no",
        "kind",
        unique=True,
    )
    op.create_table(
        "decisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("payout_id", _ID),
        sa.Column("case_id", _ID),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=False),
        sa.Column("replaced_by", _ID),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_decisions_case_id")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_decisions_payout_id")),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["payouts.id"], name=op.f("fk_decisions_replaced_by")
        ),
    )
    op.create_index(op.f("ix_decisions_payout_id"), "decisions", ["payout_id"])
    op.create_index(op.f("ix_decisions_replaced_by"), "decisions", ["replaced_by"])


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

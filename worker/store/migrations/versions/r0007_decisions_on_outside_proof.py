"""
What two people decide on proof from outside, and who may.

It only adds, so that the version before it works on beside the new one. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Make the tables, and add columns that may be empty.
    """
    op.create_table(
        "proposals",
        sa.Column("id", _ID, nullable=False),
        sa.Column("payout_id", _ID, nullable=False),
        sa.Column("ended_as", sa.String(32), nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("evidence_id", _ID),
        sa.Column("proposed_uid", sa.BigInteger(), nullable=False),
        sa.Column("proposed_login_uid", sa.BigInteger()),
        sa.Column("proposed_name", sa.String(), nullable=False),
        sa.Column("proposed_at", _TIME, nullable=False),
        sa.Column("approved_uid", sa.BigInteger()),
        sa.Column("approved_login_uid", sa.BigInteger()),
        sa.Column("approved_name", sa.String()),
        sa.Column("approved_at", _TIME),
        sa.Column("unchecked", sa.Boolean(), nullable=False),
        sa.Column("voided_at", _TIME),
        sa.Column("voided_why", sa.String()),
        sa.CheckConstraint(
            "approved_at IS NULL OR voided_at IS NULL", name=op.f("ck_proposals_ended")
        ),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_proposals_payout_id")),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_proposals_evidence_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_payout_id", "proposals", ["payout_id"])
    _unique("uq_proposals_reference", "proposals", "reference", "voided_at IS NULL")
    _unique(
        "uq_proposals_waiting",
        "proposals",
        "payout_id",
        "approved_at IS NULL AND voided_at IS NULL",
    )
    op.create_table(
        "people",
        sa.Column("id", _ID, nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_why", sa.String(), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("removed_by", sa.String()),
        sa.Column("removed_why", sa.String()),
        sa.Column("removed_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    _unique("uq_people_uid", "people", "uid", "removed_at IS NULL")
    op.create_table(
        "services",
        sa.Column("uid", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_services")),
    )
    op.create_table(
        "former_requests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("payout_id", _ID, nullable=False),
        sa.Column("sealed_request", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_by", sa.String(), nullable=False),
        sa.Column("replaced_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_former_requests_payout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_requests")),
    )
    op.create_index("ix_former_requests_payout_id", "former_requests", ["payout_id"])
    op.add_column("payouts", sa.Column("proposal_id", _ID))
    op.add_column("payouts", sa.Column("set_aside_at", _TIME))
    op.add_column("decisions", sa.Column("proposal_id", _ID))


def _unique(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        [column],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )

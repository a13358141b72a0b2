"""
Producers, and the tokens by which they show who they are.

It only adds, so that the version before it works on beside the new one. Frozen, as every revision.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Make the tables; the producer that all payouts so far are from has the name that they give it.
    """
    producers = op.create_table(
        "producers",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("disabled_by", sa.String()),
        sa.Column("disabled_why", sa.String()),
        sa.Column("disabled_at", _TIME),
        sa.CheckConstraint(
            "(disabled_by IS NULL) = (disabled_at IS NULL)", name=op.f("ck_producers_disabled")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_producers")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("producer", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME),
        sa.Column("revoked_by", sa.String()),
        sa.Column("revoked_why", sa.String()),
        sa.Column("revoked_at", _TIME),
        sa.CheckConstraint(
            "(revoked_by IS NULL) = (revoked_at IS NULL)", name=op.f("ck_tokens_revoked")
        ),
        sa.ForeignKeyConstraint(["producer"], ["producers.name"], name=op.f("fk_tokens_producer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index("ix_tokens_producer", "tokens", ["producer"])
    op.create_index(
        "ix_payouts_producer_accepted_at_id", "payouts", ["producer", "accepted_at", "id"]
    )
    now = datetime.now(UTC)
    op.bulk_insert(producers, [{"name": "unsealed", "added_by": "migration", "added_at": now}])

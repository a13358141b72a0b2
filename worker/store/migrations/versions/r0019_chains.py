"""
Where a payout's history ends, and checkpoints over all of them.

It only adds, so that the version before works on beside the new one: no history is chained before
`payouts keys rotate` says so. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

from worker.store.fences import Fence

revision = "0019"
down_revision = "0018"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_FENCES = (
    Fence(
        "checkpoints",
        (
            *("id", "at", "transition_id", "transition_seen", "decision_id", "decision_seen"),
            *("payouts", "digest"),
        ),
    ),
    Fence("checkpoint_histories"),
)


def upgrade() -> None:
    """
    Add the end of the chains to payouts, and the tables of checkpoints.
    """
    op.add_column("payouts", sa.Column("history", sa.String(129)))
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transition_id", sa.BigInteger(), nullable=False),
        sa.Column("transition_seen", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_seen", sa.BigInteger(), nullable=False),
        sa.Column("payouts", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "checkpoint_histories",
        sa.Column("checkpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("payout_id", _ID, autoincrement=False, nullable=False),
        sa.Column("history", sa.String(129), nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"],
            ["checkpoints.id"],
            name=op.f("fk_checkpoint_histories_checkpoint_id"),
        ),
        sa.PrimaryKeyConstraint("checkpoint_id", "payout_id", name=op.f("pk_checkpoint_histories")),
    )
    op.create_index("ix_checkpoint_histories_payout_id", "checkpoint_histories", ["payout_id"])
    for fence in _FENCES:
        for statement in fence.statements(op.get_context().dialect.name):
            op.execute(statement)

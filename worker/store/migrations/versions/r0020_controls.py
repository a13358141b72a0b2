"""
By what a payee is found again, changes of controls, and what counts against a producer's limits.

It only adds, so that the version before it works on beside the new one; that one asks no limits and
no deny list. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

from worker.store.fences import Fence

revision = "0020"
down_revision = "0019"

_APPROVED = ("approved_at", "approved_uid", "approved_login_uid", "approved_name", "unchecked")
_FENCE = Fence(
    "control_changes",
    (
        *("id", "uid", "kind", "producer", "largest_fen", "day_fen", "new_payees", "removes"),
        *("payee_masked", "why", "proposed_uid", "proposed_login_uid", "proposed_name"),
        "proposed_at",
    ),
    {"approved_at": _APPROVED, "voided_at": ("voided_at", "voided_why")},
)


def upgrade() -> None:
    """
    Add the digest of a payee, and two tables.

    The index holds none of the rows that there are, so it takes no time.
    """
    op.add_column("payouts", sa.Column("payee_digest", sa.String(40)))
    has_one = sa.text("payee_digest IS NOT NULL")
    op.create_index(
        "ix_payouts_payee_digest",
        "payouts",
        ["payee_digest", "amount_fen", "accepted_at"],
        postgresql_where=has_one,
        sqlite_where=has_one,
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    time = sa.DateTime(timezone=True)
    op.create_table(
        "control_changes",
        sa.Column("id", number, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("producer", sa.String(32)),
        sa.Column("largest_fen", sa.BigInteger()),
        sa.Column("day_fen", sa.BigInteger()),
        sa.Column("new_payees", sa.BigInteger()),
        sa.Column("removes", number),
        sa.Column("payee_masked", sa.String()),
        sa.Column("sealed_payee", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("proposed_uid", sa.BigInteger(), nullable=False),
        sa.Column("proposed_login_uid", sa.BigInteger()),
        sa.Column("proposed_name", sa.String(), nullable=False),
        sa.Column("proposed_at", time, nullable=False),
        sa.Column("approved_uid", sa.BigInteger()),
        sa.Column("approved_login_uid", sa.BigInteger()),
        sa.Column("approved_name", sa.String()),
        sa.Column("approved_at", time),
        sa.Column("unchecked", sa.Boolean(), nullable=False),
        sa.Column("voided_at", time),
        sa.Column("voided_why", sa.String()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_changes")),
    )
    op.create_table(
        "producer_days",
        sa.Column("id", number, nullable=False),
        sa.Column("producer", sa.String(32), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("claimed_fen", sa.BigInteger(), nullable=False),
        sa.Column("new_payees", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("claimed_fen >= 0", name=op.f("ck_producer_days_claimed")),
        sa.UniqueConstraint("producer", name=op.f("uq_producer_days_producer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_producer_days")),
    )
    for statement in _FENCE.statements(op.get_context().dialect.name):
        op.execute(statement)

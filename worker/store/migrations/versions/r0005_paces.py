"""
How far each merchant's sends and questions have used up their pace.

Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """
    Make the table; every bucket begins full.
    """
    op.create_table(
        "paces",
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_no", "kind", name=op.f("pk_paces")),
    )

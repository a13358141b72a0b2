"""
What health is read from.

It only adds, so that the version before it works on beside the new one. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TIME = sa.DateTime(timezone=True)

#: Each merchant that has a payout, by one step through the index for each, as swept for till now.
_SWEPT = """
    INSERT INTO sweeps (customer_no, ended_at)
    WITH RECURSIVE merchants(customer_no) AS (
        SELECT min(customer_no) FROM payouts
        UNION ALL
        SELECT (SELECT min(p.customer_no) FROM payouts p WHERE p.customer_no > m.customer_no)
          FROM merchants m WHERE m.customer_no IS NOT NULL
    )
    SELECT m.customer_no, i.swept_at FROM merchants m, installation i
     WHERE m.customer_no IS NOT NULL AND i.swept_at IS NOT NULL
"""


def upgrade() -> None:
    """
    Make the tables. Who was swept for stays so for now, and old rejections count as looked at.
    """
    op.create_table(
        "sweeps",
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("ended_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("customer_no", name=op.f("pk_sweeps")),
    )
    op.create_table(
        "certificates",
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("valid_until", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("customer_no", "kind", name=op.f("pk_certificates")),
    )
    op.create_table(
        "alerts",
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("customer_no", "kind", name=op.f("pk_alerts")),
    )
    op.create_table(
        "foreign_notifications",
        sa.Column("customer_no", sa.String(), nullable=False),
        sa.Column("merchant", sa.String(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("customer_no", "merchant", name=op.f("pk_foreign_notifications")),
    )
    op.add_column("installation", sa.Column("looked_at_rejection", sa.BigInteger()))
    op.execute("UPDATE installation SET looked_at_rejection = (SELECT max(id) FROM rejections)")
    op.execute(_SWEPT)

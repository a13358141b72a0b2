"""
By what a payee is found again.

It only adds, so that the version before it works on beside the new one. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """
    Add the digest of a payee. The index holds none of the rows that there are, so it takes no time.
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

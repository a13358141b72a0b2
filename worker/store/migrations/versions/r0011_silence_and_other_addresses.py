"""
Since when JD has been asked in vain, and which payouts are asked about at another address.

It only adds. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Add columns that may be empty.
    """
    op.add_column("payouts", sa.Column("redirected_at", _TIME))
    op.add_column("payouts", sa.Column("unanswered_since", _TIME))
    op.add_column("payouts", sa.Column("unanswered_at", _TIME))
    op.add_column("proposals", sa.Column("unanswered_since", _TIME))

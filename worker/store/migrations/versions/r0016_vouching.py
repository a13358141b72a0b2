"""
Rows that a seal vouches for, and how many belong together.

It only adds, so that the version before it works on beside the new one: no row is vouched for
before `payouts keys rotate` says so. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """
    Add seals without content, counts, and the places of messages.
    """
    for table in ("obligations", "payouts", "attempts", "proposals"):
        op.add_column(table, sa.Column("seal", sa.LargeBinary()))
    op.add_column("obligations", sa.Column("payout_count", sa.Integer()))
    op.add_column("payouts", sa.Column("attempt_count", sa.Integer()))
    op.add_column("payouts", sa.Column("message_count", sa.Integer()))
    op.add_column("evidence", sa.Column("place", sa.Integer()))

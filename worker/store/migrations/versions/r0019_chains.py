"""
Where a payout's history ends, and checkpoints over all of them.

It only adds, so that the version before works on beside the new one: no history is chained before
`payouts keys rotate` says so. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """
    Add the end of the chains to payouts.
    """
    op.add_column("payouts", sa.Column("history", sa.String(129)))

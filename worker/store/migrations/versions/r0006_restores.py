"""
When the database was last restored, and until when JD is asked about a new payout first.

Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """
    Add both, unknown: nothing is asked first.
    """
    for name in ("restored_at", "ask_first_until"):
        op.add_column("installation", sa.Column(name, sa.DateTime(timezone=True)))

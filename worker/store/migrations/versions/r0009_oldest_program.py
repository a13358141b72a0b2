"""
Which version of the program is the oldest that may work on these tables.

It only adds. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """
    Add it, unknown: only a program of just this revision may start.
    """
    op.add_column("installation", sa.Column("oldest_program", sa.String(32)))

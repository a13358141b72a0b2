"""
Which epoch of the database the present one followed.

It only adds. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """
    Add it, unknown.
    """
    op.add_column("installation", sa.Column("uid_before", sa.String(32)))

"""
Every epoch of the database that is over, and not only the last one.

It only adds, so that the version before it works on beside the new one. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """
    Make the table; it begins with the one that is known.
    """
    op.create_table(
        "ended_epochs",
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_ended_epochs")),
    )
    op.execute(
        "INSERT INTO ended_epochs (uid, ended_at) SELECT uid_before, restored_at FROM installation"
        " WHERE uid_before IS NOT NULL AND restored_at IS NOT NULL"
    )

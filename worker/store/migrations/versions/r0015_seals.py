"""
Seals that are bound to their places, and the keys that made them.

It only adds, so that the version before it works on beside the new one: nothing is sealed anew
before `payouts keys rotate` says so. Frozen, as every revision.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Name rows before they are inserted, and the installation for all its epochs; list the keys.
    """
    for table in ("evidence", "former_requests", "endpoints"):
        op.add_column(table, sa.Column("uid", sa.String(32)))
    op.add_column("installation", sa.Column("seals_uid", sa.String(32)))
    installation = sa.table("installation", sa.column("seals_uid", sa.String))
    op.execute(sa.update(installation).values(seals_uid=secrets.token_hex(16)))
    op.create_table(
        "sealing_keys",
        sa.Column("id", sa.String(8), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("begun_by", sa.String()),
        sa.Column("retired_at", _TIME),
        sa.Column("retired_by", sa.String()),
        sa.CheckConstraint(
            "(retired_by IS NULL) = (retired_at IS NULL)", name=op.f("ck_sealing_keys_retired")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealing_keys")),
    )

"""
Keys by which jobs are sealed, and what was sealed with them.

It only adds, so that the version before it works on beside the new one, until the first such key is
registered. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """
    Make the table of keys, and the columns of a payout that keep its producer's seal.
    """
    op.create_table(
        "job_keys",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(48), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("producer", sa.String(32)),
        sa.Column("added_uid", sa.BigInteger(), nullable=False),
        sa.Column("added_login_uid", sa.BigInteger()),
        sa.Column("added_name", sa.String(), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("approved_uid", sa.BigInteger()),
        sa.Column("approved_login_uid", sa.BigInteger()),
        sa.Column("approved_name", sa.String()),
        sa.Column("approved_at", _TIME),
        sa.Column("retired_by", sa.String()),
        sa.Column("retired_why", sa.String()),
        sa.Column("retired_at", _TIME),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "(retired_by IS NULL) = (retired_at IS NULL)", name=op.f("ck_job_keys_retired")
        ),
        sa.ForeignKeyConstraint(
            ["producer"], ["producers.name"], name=op.f("fk_job_keys_producer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_job_keys_name")),
    )
    op.create_index("ix_job_keys_producer", "job_keys", ["producer"])
    op.add_column("payouts", sa.Column("job_key", sa.String(48)))
    op.add_column("payouts", sa.Column("sealed_job", sa.LargeBinary()))

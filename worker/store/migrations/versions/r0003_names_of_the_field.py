"""
Columns take the field's names; their data stays.

Frozen, as every revision.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

#: Table, the old name, the new one.
_RENAMED = (
    ("payouts", "settled_at", "finalized_at"),
    ("evidence", "member", "merchant"),
    ("installation", "beats", "sweep_count"),
    ("installation", "beat_at", "swept_at"),
)

#: PostgreSQL 18 names what keeps a column from being null, after the column.
_RENAME_NOT_NULL = """
    DO $$ BEGIN
      IF EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'installation_beats_not_null') THEN
        ALTER TABLE installation
          RENAME CONSTRAINT installation_beats_not_null TO installation_sweep_count_not_null;
      END IF;
    END $$
"""


def upgrade() -> None:
    """
    Rename, on both databases by the same statement.
    """
    for table, old, new in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_RENAME_NOT_NULL)

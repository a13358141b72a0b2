"""
The table of keys.
"""

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Table

from worker.store.metadata import metadata
from worker.store.types import ForeignText, UtcDateTime

#: The keys that something is sealed with, by their public ids.
sealing_keys = Table(
    "sealing_keys",
    metadata,
    Column("id", sa.String(8), primary_key=True),
    Column("begun_at", UtcDateTime, nullable=False),  #: when it became the one that seals
    Column("begun_by", ForeignText),
    Column("retired_at", UtcDateTime),  #: since when nothing needs it
    Column("retired_by", ForeignText),
    CheckConstraint("(retired_by IS NULL) = (retired_at IS NULL)", name="retired"),
)

"""
The tables of producers, and of the tokens by which they show who they are.
"""

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Table

from worker.payouts.producers import Scope
from worker.store.metadata import metadata
from worker.store.types import ForeignText, Id, UtcDateTime, one_of

#: Applications that have payouts made. Payouts name theirs; none is ever deleted.
producers = Table(
    "producers",
    metadata,
    Column("name", sa.String(32), primary_key=True),
    Column("added_by", ForeignText, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("disabled_by", ForeignText),
    Column("disabled_why", sa.String),
    Column("disabled_at", UtcDateTime),
    CheckConstraint("(disabled_by IS NULL) = (disabled_at IS NULL)", name="disabled"),
)

#: A secret of 256 random bits is found by its digest, from which nobody can tell it.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("producer", sa.String(32), ForeignKey("producers.name"), nullable=False, index=True),
    Column("digest", sa.String(64), nullable=False, unique=True),  #: SHA-256, in hex
    Column("scope", one_of(Scope), nullable=False),
    Column("name", ForeignText, nullable=False),
    Column("issued_by", ForeignText, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_by", ForeignText),
    Column("revoked_why", sa.String),
    Column("revoked_at", UtcDateTime),
    CheckConstraint("(revoked_by IS NULL) = (revoked_at IS NULL)", name="revoked"),
)

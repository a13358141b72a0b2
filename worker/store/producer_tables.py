"""
The tables of producers, and of the tokens by which they show who they are.
"""

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Table

from worker.payouts.job_keys import KeyKind
from worker.payouts.producers import Scope
from worker.store.bindings import JOB_KEY
from worker.store.metadata import metadata
from worker.store.people_tables import person
from worker.store.types import ForeignText, Id, Sealed, UtcDateTime, one_of

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

#: Keys by which jobs are sealed. One that is not a producer's is our own.
job_keys = Table(
    "job_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", sa.String(48), nullable=False, unique=True),
    Column("kind", one_of(KeyKind), nullable=False),
    Column("producer", sa.String(32), ForeignKey("producers.name"), index=True),
    *person("added"),
    Column("added_at", UtcDateTime, nullable=False),
    *person("approved", nullable=True),
    Column("approved_at", UtcDateTime),
    Column("retired_by", ForeignText),
    Column("retired_why", sa.String),
    Column("retired_at", UtcDateTime),
    Column("seal", Sealed(*JOB_KEY), nullable=False),  #: the key itself is in it
    CheckConstraint("(retired_by IS NULL) = (retired_at IS NULL)", name="retired"),
)

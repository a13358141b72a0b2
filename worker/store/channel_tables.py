"""
The tables of how much a merchant may send, and whether.
"""

import sqlalchemy as sa
from sqlalchemy import Column, Table

from worker.payouts.pace import PaceKind
from worker.store.metadata import metadata
from worker.store.types import UtcDateTime, one_of

channels = Table(
    "channels",
    metadata,
    Column("customer_no", sa.String, primary_key=True),
    Column("paused_at", UtcDateTime),  #: null while sending is allowed
    Column("paused_why", sa.String),
    Column("paused_by", sa.String),
    Column("resumed_at", UtcDateTime),
    Column("resumed_why", sa.String),
    Column("resumed_by", sa.String),
    Column("unverifiable", sa.Integer, nullable=False),  #: replies in a row that did not verify
    Column("broken_until", UtcDateTime),  #: until when the circuit breaker stops sending
)

#: How far each merchant's sends and questions have used up their pace.
paces = Table(
    "paces",
    metadata,
    Column("customer_no", sa.String, primary_key=True),
    Column("kind", one_of(PaceKind), primary_key=True),
    Column("full_at", UtcDateTime, nullable=False),  #: when all tokens are there again
)

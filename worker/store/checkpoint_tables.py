"""
The tables of checkpoints: what was known of payouts' histories, minute by minute.
"""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Table

from worker.store.bindings import CHECKPOINT
from worker.store.metadata import metadata
from worker.store.types import Id, Sealed, UtcDateTime

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", sa.BigInteger, primary_key=True, autoincrement=False),  #: 1, 2, 3 ...
    Column("at", UtcDateTime, nullable=False),
    #: Up to which records it covers, and which was the newest that could be seen.
    Column("transition_id", sa.BigInteger, nullable=False),
    Column("transition_seen", sa.BigInteger, nullable=False),
    Column("decision_id", sa.BigInteger, nullable=False),
    Column("decision_seen", sa.BigInteger, nullable=False),
    Column("payouts", sa.Integer, nullable=False),
    Column("digest", sa.String(64), nullable=False),
    Column("seal", Sealed(*CHECKPOINT), nullable=False),
)

#: The history that a payout had by then. It names no row that it would keep: it tells of one that
#: was taken away.
checkpoint_histories = Table(
    "checkpoint_histories",
    metadata,
    Column("checkpoint_id", sa.BigInteger, ForeignKey("checkpoints.id"), primary_key=True),
    Column("payout_id", Id, primary_key=True, autoincrement=False, index=True),
    Column("history", sa.String(129), nullable=False),
)

"""
The tables of what people decide beside JD's word, and of who may.
"""

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Table

from worker.payouts.proposal import End
from worker.store.bindings import FORMER_REQUEST, PROPOSAL
from worker.store.metadata import metadata, partial
from worker.store.types import ForeignText, Id, Sealed, UtcDateTime, one_of


def person(did: str, *, nullable: bool = False) -> tuple[Column[object], ...]:
    """
    The columns that say who did something.
    """
    return (
        Column(f"{did}_uid", sa.BigInteger, nullable=nullable),
        Column(f"{did}_login_uid", sa.BigInteger),
        Column(f"{did}_name", ForeignText, nullable=nullable),
    )


#: What one person proposed to decide on proof from outside, and what became of that.
proposals = Table(
    "proposals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payout_id", Id, ForeignKey("payouts.id"), nullable=False, index=True),
    Column("ended_as", one_of(End), nullable=False),
    Column("returned_fen", sa.BigInteger, nullable=False),
    Column("reference", sa.String, nullable=False),
    Column("why", sa.String, nullable=False),
    Column("evidence_id", Id, ForeignKey("evidence.id")),  #: the newest when it was proposed
    *person("proposed"),
    Column("proposed_at", UtcDateTime, nullable=False),
    *person("approved", nullable=True),
    Column("approved_at", UtcDateTime),
    Column("unchecked", sa.Boolean, nullable=False),
    Column("voided_at", UtcDateTime),
    Column("voided_why", sa.String),
    Column("unanswered_since", UtcDateTime),  #: where it rests on JD's silence
    Column("seal", Sealed(*PROPOSAL)),
    CheckConstraint("approved_at IS NULL OR voided_at IS NULL", name="ended"),
    partial("uq_proposals_reference", "reference", where="voided_at IS NULL", unique=True),
    partial(
        "uq_proposals_waiting",
        "payout_id",
        where="approved_at IS NULL AND voided_at IS NULL",
        unique=True,
    ),
)

PROPOSAL_WAITS = sa.and_(proposals.c.approved_at.is_(None), proposals.c.voided_at.is_(None))

#: Users of the operating system who decide about money; removed ones stay on record.
people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", sa.BigInteger, nullable=False),
    Column("name", ForeignText, nullable=False),
    Column("added_by", ForeignText, nullable=False),
    Column("added_why", sa.String, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("removed_by", ForeignText),
    Column("removed_why", sa.String),
    Column("removed_at", UtcDateTime),
    partial("uq_people_uid", "uid", where="removed_at IS NULL", unique=True),
)

#: The users that workers run as.
services = Table(
    "services",
    metadata,
    Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
)

#: Each text that a refused payout's request had before it was rendered anew.
former_requests = Table(
    "former_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payout_id", Id, ForeignKey("payouts.id"), nullable=False, index=True),
    Column("sealed_request", Sealed(*FORMER_REQUEST), nullable=False),
    Column("replaced_by", ForeignText, nullable=False),  #: who had it rendered anew
    Column("replaced_at", UtcDateTime, nullable=False),
    Column("uid", sa.String(32)),
)

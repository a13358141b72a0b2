"""
The tables of the controls that people set, and of what counts against a producer's limits.
"""

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Table

from worker.payouts.control_change import ChangeKind
from worker.store.bindings import CONTROL_CHANGE, PRODUCER_DAY
from worker.store.metadata import metadata
from worker.store.people_tables import person
from worker.store.types import ForeignText, Id, Sealed, UtcDateTime, one_of

#: By what of a payout equal payments are found.
PAYMENT = ("payee_digest", "amount_fen", "accepted_at")

#: Each change of a control, append-only but for what becomes of it. The installation's sealed
#: sample vouches for all of them together.
control_changes = Table(
    "control_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", sa.String(32), nullable=False),
    Column("kind", one_of(ChangeKind), nullable=False),
    Column("producer", sa.String(32)),
    Column("largest_fen", sa.BigInteger),
    Column("day_fen", sa.BigInteger),
    Column("new_payees", sa.BigInteger),
    Column("removes", Id),  #: the entry of the deny list that holds nothing any more
    Column("payee_masked", sa.String),
    Column("sealed_payee", Sealed(*CONTROL_CHANGE), nullable=False),  #: whose account is denied
    Column("why", ForeignText, nullable=False),
    *person("proposed"),
    Column("proposed_at", UtcDateTime, nullable=False),
    *person("approved", nullable=True),
    Column("approved_at", UtcDateTime),
    Column("unchecked", sa.Boolean, nullable=False),
    Column("voided_at", UtcDateTime),
    Column("voided_why", ForeignText),
)

#: What of a limited producer's was claimed in its latest day: one row each.
producer_days = Table(
    "producer_days",
    metadata,
    Column("id", Id, primary_key=True),
    Column("producer", sa.String(32), nullable=False, unique=True),
    Column("day", sa.String(10), nullable=False),  #: in Beijing
    Column("claimed_fen", sa.BigInteger, nullable=False),
    Column("new_payees", sa.BigInteger, nullable=False),
    Column("seal", Sealed(*PRODUCER_DAY), nullable=False),
    CheckConstraint("claimed_fen >= 0", name="claimed"),
)

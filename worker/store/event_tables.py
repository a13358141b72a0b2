"""
The tables of events: what happened, who wants to hear it, and what became of telling them.
"""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from worker.payouts.endpoint import EndpointKind
from worker.payouts.event import EventType
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus, Reason
from worker.store.bindings import ENDPOINT
from worker.store.metadata import metadata, partial
from worker.store.types import Id, Sealed, UtcDateTime, one_of

#: Conditions of partial indexes, which a query must repeat word for word.
UNANNOUNCED = sa.text("position IS NULL")
UNDELIVERED = sa.text("next_at IS NOT NULL")

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", sa.String(32), nullable=False, unique=True),
    #: Its place among all that were announced; a reader that saw one has missed none before it.
    Column("position", sa.BigInteger, unique=True),
    Column("type", one_of(EventType), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("producer", sa.String, nullable=False),
    Column("customer_no", sa.String),
    Column("out_trade_no", sa.String),
    Column("payout_id", Id, ForeignKey("payouts.id"), index=True),
    Column("obligation", sa.String),
    Column("epoch", sa.Integer, nullable=False),
    Column("version", sa.Integer, nullable=False),
    Column("status", one_of(PayoutStatus)),
    Column("reason", one_of(Reason)),
    Column("amount_fen", sa.BigInteger),
    Column("returned_fen", sa.BigInteger),
    Column("case_kind", one_of(CaseKind)),
    Column("repayable_from", UtcDateTime),
    Column("faults", sa.String),  #: as JSON
    partial("ix_events_unannounced", "id", where=UNANNOUNCED),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Id, primary_key=True),
    Column("producer", sa.String, nullable=False),
    Column("kind", one_of(EndpointKind), nullable=False),
    Column("address", sa.String, nullable=False),  #: a URL, or a queue
    Column("types", sa.JSON, nullable=False),  #: of events; none: all
    Column("is_private", sa.Boolean, nullable=False),  #: an address that is not public is meant
    Column("sealed_key", Sealed(*ENDPOINT)),
    Column("sealed_key_before", Sealed(*ENDPOINT)),  #: signs as well until then
    Column("key_before_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("uid", sa.String(32)),
)

#: One event on its way to one endpoint, until `next_at` is nothing.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("endpoint_id", Id, ForeignKey("endpoints.id"), nullable=False),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False, index=True),
    Column("payout_id", Id),  #: whose events are told one after the other
    Column("due_at", UtcDateTime, nullable=False),  #: when it was due first
    Column("next_at", UtcDateTime),
    Column("tries", sa.Integer, nullable=False),
    Column("delivered_at", UtcDateTime),
    UniqueConstraint("endpoint_id", "event_id"),
    partial("ix_deliveries_next_at", "endpoint_id", "next_at", where=UNDELIVERED),
    partial("ix_deliveries_payout", "endpoint_id", "payout_id", "id", where=UNDELIVERED),
)

#: Each time that a delivery was tried.
delivery_tries = Table(
    "delivery_tries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("milliseconds", sa.Integer, nullable=False),
    Column("outcome", sa.String, nullable=False),  #: an HTTP status, or why there is none
    Index("ix_delivery_tries_delivery", "delivery_id", "id"),
)

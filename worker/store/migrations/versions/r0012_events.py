"""
Events, who wants to hear them, and what became of telling them.

It only adds. Frozen, as every revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_TIME = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNANNOUNCED = sa.text("position IS NULL")
_UNDELIVERED = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    """
    Make the tables. What happened before is no event.
    """
    op.create_table(
        "events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("position", sa.BigInteger()),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("producer", sa.String(), nullable=False),
        sa.Column("customer_no", sa.String()),
        sa.Column("out_trade_no", sa.String()),
        sa.Column("payout_id", _ID),
        sa.Column("obligation", sa.String()),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(32)),
        sa.Column("reason", sa.String(32)),
        sa.Column("amount_fen", sa.BigInteger()),
        sa.Column("returned_fen", sa.BigInteger()),
        sa.Column("case_kind", sa.String(32)),
        sa.Column("repayable_from", _TIME),
        sa.Column("faults", sa.String()),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_events_payout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("position", name=op.f("uq_events_position")),
        sa.UniqueConstraint("uid", name=op.f("uq_events_uid")),
    )
    op.create_index("ix_events_payout_id", "events", ["payout_id"])
    op.create_index(
        "ix_events_unannounced",
        "events",
        ["id"],
        sqlite_where=_UNANNOUNCED,
        postgresql_where=_UNANNOUNCED,
    )
    op.create_table(
        "endpoints",
        sa.Column("id", _ID, nullable=False),
        sa.Column("producer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary()),
        sa.Column("sealed_key_before", sa.LargeBinary()),
        sa.Column("key_before_until", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("disabled_at", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("endpoint_id", _ID, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("payout_id", _ID),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("next_at", _TIME),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("delivered_at", _TIME),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name=op.f("fk_deliveries_endpoint_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name=op.f("uq_deliveries_endpoint_id_event_id")
        ),
    )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"])
    for name, columns in (
        ("ix_deliveries_next_at", ["endpoint_id", "next_at"]),
        ("ix_deliveries_payout", ["endpoint_id", "payout_id", "id"]),
    ):
        op.create_index(
            name,
            "deliveries",
            columns,
            sqlite_where=_UNDELIVERED,
            postgresql_where=_UNDELIVERED,
        )
    op.create_table(
        "delivery_tries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("delivery_id", _ID, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_tries_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_tries")),
    )
    op.create_index("ix_delivery_tries_delivery", "delivery_tries", ["delivery_id", "id"])

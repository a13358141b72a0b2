"""
A debt has a row of its own, built from the payouts that exist.

Frozen, as every revision.
"""

import unicodedata
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MAX_FEN = 999_999_999_999


def upgrade() -> None:
    """
    Make the table, fill it, and let payouts share what they pay.
    """
    op.create_table(
        "obligations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owed_fen", sa.BigInteger(), nullable=False),
        sa.Column("committed_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligations")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_obligations_namespace_name")),
        sa.CheckConstraint(f"owed_fen BETWEEN 1 AND {_MAX_FEN}", name=op.f("ck_obligations_owed")),
        sa.CheckConstraint(
            "committed_fen BETWEEN 0 AND owed_fen", name=op.f("ck_obligations_committed")
        ),
    )
    column = sa.Column("obligation_id", _ID)
    if op.get_bind().dialect.name == "sqlite":
        # SQLite adds a reference only together with its column.
        op.execute(
            "ALTER TABLE payouts ADD COLUMN obligation_id INTEGER"
            " CONSTRAINT fk_payouts_obligation_id REFERENCES obligations (id)"
        )
    else:
        op.add_column("payouts", column)
        op.create_foreign_key(
            op.f("fk_payouts_obligation_id"), "payouts", "obligations", ["obligation_id"], ["id"]
        )
    _fill(op.get_bind())
    op.drop_index("uq_payouts_obligation", "payouts")
    op.create_index("ix_payouts_obligation_id", "payouts", ["obligation_id"])


def _fill(conn: sa.Connection) -> None:
    found = conn.execute(
        sa.text(
            "SELECT id, customer_no, obligation, amount_fen, accepted_at, released_at"
            " FROM payouts ORDER BY id"
        )
    )
    shared: defaultdict[str, list[Any]] = defaultdict(list)
    for row in found:
        shared[unicodedata.normalize("NFKC", row.obligation)].append(row)
    for name, rows in shared.items():
        committed = sum(row.amount_fen for row in rows if row.released_at is None)
        # What a merchant owed is its largest amount; two that used one name owed both.
        owed = sum(_owed(rows, merchant) for merchant in {row.customer_no for row in rows})
        made = conn.execute(
            sa.text(
                "INSERT INTO obligations (namespace, name, owed_fen, committed_fen, created_at)"
                " VALUES ('default', :name, :owed, :committed, :at) RETURNING id"
            ),
            {"name": name, "owed": owed, "committed": committed, "at": rows[0].accepted_at},
        ).scalar_one()
        conn.execute(
            sa.text("UPDATE payouts SET obligation_id = :made WHERE id = :id"),
            [{"made": made, "id": row.id} for row in rows],
        )


def _owed(rows: list[Any], merchant: str) -> int:
    own = [row for row in rows if row.customer_no == merchant]
    held: int = sum(row.amount_fen for row in own if row.released_at is None)
    largest: int = max(row.amount_fen for row in own)
    return max(held, largest)

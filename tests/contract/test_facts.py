"""
What is written down is neither changed nor deleted, also behind the ledger's back.
"""

import re
from datetime import timedelta
from importlib import resources
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.samples import accepted
from tests.doubles.owner import take_fences_away
from tests.factories import NOON
from worker.store.event_tables import endpoints
from worker.store.ledger import SqlLedger
from worker.store.metadata import metadata
from worker.store.types import Sealed, UtcDateTime

#: What is not a fact: how things stand, or what is told of it.
NO_FACTS = {
    *("alerts", "certificates", "channels", "endpoints", "foreign_notifications"),
    *("installation", "paces", "producer_days", "sealing_keys", "sweeps"),
}

FACTS = [table for table in metadata.sorted_tables if table.name not in NO_FACTS]

#: In the order in which one names another.
FACTS_AND_ENDPOINTS = [t for t in metadata.sorted_tables if t in FACTS or t is endpoints]

#: What the rights do not tell column by column.
CHANGING = {
    "deliveries": {"due_at", "next_at", "tries", "delivered_at"},
    "people": {"removed_at", "removed_by", "removed_why"},
    "producers": {"disabled_at", "disabled_by", "disabled_why"},
    "tokens": {"revoked_at", "revoked_by", "revoked_why"},
    "job_keys": {
        *("approved_at", "approved_uid", "approved_login_uid", "approved_name"),
        *("retired_at", "retired_by", "retired_why", "seal"),
    },
    "proposals": {
        *("approved_at", "approved_uid", "approved_login_uid", "approved_name", "unchecked"),
        *("voided_at", "voided_why", "seal"),
    },
}
CHANGING["control_changes"] = CHANGING["proposals"] - {"seal"} | {"sealed_payee"}

#: What says that something has happened, once for all: the columns that stay with it.
ENDS = {
    "attempts": {"closed_at": {"closed_at", "outcome", "detail"}},
    "evidence": {name: {name} for name in ("payout_id", "applied_at", "uid", "place")},
    "cases": {"closed_at": {"closed_at", "evidence_id"}},
    "former_requests": {"uid": {"uid"}},
    "events": {"position": {"position"}},
    "people": {"removed_at": CHANGING["people"]},
    "producers": {"disabled_at": CHANGING["producers"]},
    "tokens": {"revoked_at": CHANGING["tokens"]},
    "job_keys": {
        "approved_at": {"approved_at", "approved_uid", "approved_login_uid", "approved_name"},
        "retired_at": {"retired_at", "retired_by", "retired_why"},
    },
    "proposals": {
        # That none is both approved and void is a constraint of its own.
        "approved_at": CHANGING["proposals"] - {"seal", "voided_at", "voided_why"},
        "voided_at": {"voided_at", "voided_why"},
    },
}
ENDS["control_changes"] = ENDS["proposals"]


def _granted() -> dict[str, set[str]]:
    """
    The columns that some role may update, by table.
    """
    text = resources.files("worker.store").joinpath("roles.sql").read_text()
    found: dict[str, set[str]] = {}
    for columns, table in re.findall(r"GRANT UPDATE \(([^)]*)\)\s+ON (\w+)", text):
        found.setdefault(table, set()).update(re.split(r",\s*", columns))
    return found


GRANTED = _granted()


def _value(column: sa.Column[Any], place: int) -> object:
    kind = column.type
    if isinstance(kind, sa.Enum):
        return kind.enums[min(place, len(kind.enums)) - 1]
    if isinstance(kind, UtcDateTime):
        return NOON + timedelta(hours=place)
    if isinstance(kind, sa.Boolean):
        return place > 1 and column.name != "exposed"
    if isinstance(kind, Sealed):
        return bytes([place])
    if isinstance(kind, sa.JSON):
        return [place]
    return place if isinstance(kind, sa.Integer) else str(place)


def _row(table: sa.Table, place: int, *, ended: bool) -> dict[str, object]:
    row = {column.name: _value(column, place) for column in table.c}
    late = ENDS.get(table.name, {})
    nothing = {"transitions": {"from_status"}, "proposals": {"voided_at"}}.get(table.name, set())
    if not ended:
        nothing = nothing.union(*late.values())
    return row | {name: None for name in nothing if table.c[name].nullable}


def _may_change(engine: sa.Engine, column: sa.Column[Any]) -> bool:
    """
    Whether a row may have another value there; what another constraint forbids, no trigger does.
    """
    table = column.table
    assert isinstance(table, sa.Table)
    value = _value(column, 2 if column.foreign_keys or isinstance(column.type, sa.Boolean) else 3)
    key = next(iter(table.primary_key))
    own = sa.update(table).where(key == _value(key, 1))
    try:
        with engine.connect() as conn:
            assert conn.execute(own.values({column: value})).rowcount == 1
    except sa.exc.IntegrityError as error:
        # Where one row names another, a constraint may say so before a trigger does.
        is_name = column.primary_key or bool(column.foreign_keys)
        return not (is_name or "stays as it was written" in str(error))
    return True


def _fill(engine: sa.Engine, *, ended: bool) -> None:
    with engine.begin() as conn:
        for table in FACTS_AND_ENDPOINTS:
            for place in (1, 2):
                conn.execute(sa.insert(table).values(_row(table, place, ended=ended)))


def _changing(table: sa.Table) -> set[str]:
    return CHANGING.get(table.name) or GRANTED.get(table.name, set())


def test_nothing_changes_but_what_some_process_may_change(engine: sa.Engine) -> None:
    """
    Column by column: what no role has the right to update, the owner of the tables has not either.
    """
    _fill(engine, ended=False)

    for table in FACTS:
        changed = {column.name for column in table.c if _may_change(engine, column)}
        assert changed == _changing(table), table.name


def test_what_has_ended_stays_ended(engine: sa.Engine) -> None:
    """
    What says so is written once, with what is said by it.
    """
    _fill(engine, ended=True)

    for table in FACTS:
        row, ends = _row(table, 1, ended=True), ENDS.get(table.name, {})
        ended = set().union(*(names for by, names in ends.items() if row[by] is not None))
        changed = {column.name for column in table.c if _may_change(engine, column)}
        assert changed == _changing(table) - ended, table.name


def test_no_row_is_deleted(engine: sa.Engine) -> None:
    """
    Nor all of a table's at once.
    """
    _fill(engine, ended=False)

    for table in reversed(FACTS):
        with pytest.raises(sa.exc.IntegrityError), engine.connect() as conn:
            conn.execute(sa.delete(table))
        if engine.dialect.name == "postgresql":
            with pytest.raises(sa.exc.IntegrityError, match="stays"), engine.connect() as conn:
                conn.execute(sa.text(f"TRUNCATE {table.name} CASCADE"))


def test_the_owner_can_take_the_triggers_away(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    They are a fence and no proof.
    """
    payout_id = accepted(ledger).id

    with engine.begin() as conn:
        take_fences_away(conn)
        conn.execute(sa.text(f"DELETE FROM transitions WHERE payout_id = {payout_id}"))

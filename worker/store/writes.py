"""
What is written in more than one place: rows that are new, rows that move, and their transitions.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from worker.payouts.hold import Hold
from worker.payouts.model import Payout
from worker.payouts.update import hold_back
from worker.payouts.vouching import with_transition
from worker.store.bulk import BulkInsert, BulkUpdate
from worker.store.events import append_moves
from worker.store.history import transition_said
from worker.store.rows import changed_columns
from worker.store.seals import Seals
from worker.store.tables import installation, payouts, transitions
from worker.store.vouching import vouched_columns

_INSERTS: dict[str, Callable[[sa.Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


def write_nothing(conn: sa.Connection) -> None:
    """
    Find out whether this connection may write: nothing is changed, and nobody has to wait for it.

    Every process may write this column, with which nobody can do any harm.
    """
    nobodys = sa.update(installation).where(installation.c.id == 0)
    conn.execute(nobodys.values(created_at=installation.c.created_at))


@functools.cache
def _insertion(dialect: str, table: sa.Table, *names: str) -> sa.Executable:
    insert = _INSERTS[dialect](table)
    told = [table.c[name] for name in names]
    return insert.on_conflict_do_nothing().returning(*table.primary_key, *told)


def insert_new(conn: sa.Connection, table: sa.Table, **values: object) -> int | None:
    """
    Insert a row and return its key; None, and no row, if a unique constraint forbids it.
    """
    key: int | None = conn.execute(
        _insertion(conn.dialect.name, table), values
    ).scalar_one_or_none()
    return key


def insert_all_new(
    conn: sa.Connection, table: sa.Table, values: Sequence[Mapping[str, object]], *names: str
) -> Sequence[sa.Row[Any]]:
    """
    Insert rows, but for those that a unique constraint forbids; return keys and `names` of them.

    They are inserted in the order given, and told in any.
    """
    return conn.execute(_insertion(conn.dialect.name, table, *names), values).all()


#: The guards of a row that moves: its id, status and version as it was read.
GUARDS: Mapping[str, sa.Column[Any]] = {
    "before_id": payouts.c.id,
    "before_status": payouts.c.status,
    "before_version": payouts.c.version,
}

_ROW_UPDATE = BulkUpdate(payouts, GUARDS)


class Move(NamedTuple):
    """
    A row as it was and as it will be, and the evidence that decided it.
    """

    before: Payout
    after: Payout
    evidence_id: int | None = None


def write_row(conn: sa.Connection, before: Payout, after: Payout, seals: Seals) -> bool:
    """
    Bring a row from `before` to `after`; False, and nothing is written, if a guard misses.
    """
    return write_rows(conn, [Move(before, after)], seals)


def write_rows(
    conn: sa.Connection,
    moves: Sequence[Move],
    seals: Seals,
    update: BulkUpdate = _ROW_UPDATE,
    more: Sequence[Mapping[str, object]] = (),
    **common: object,
) -> bool:
    """
    Bring several rows from before to after; False if a guard missed: the transaction must not last.

    `more` are values, row by row, that `update` stores beside; `common` are its other parameters.
    A row whose status changes is written by `write_moves`.
    """
    alike: defaultdict[frozenset[str], list[dict[str, object]]] = defaultdict(list)
    for place, move in enumerate(moves):
        changed = changed_columns(move.before, move.after) | vouched_columns(move.after, seals)
        added = more[place] if more else {}
        alike[frozenset(changed)].append({**changed, **_guards(move.before), **added})
    written = sum(update.execute(conn, rows, **common) for rows in alike.values())
    return written == len(moves)


def write_held(
    conn: sa.Connection, queued: Payout, hold: Hold, now: datetime, seals: Seals
) -> Payout:
    """
    Hold a payout back whose row is held, and tell its move; return it as it is then.
    """
    held = hold_back(queued, hold, now)
    write_moves(conn, [Move(queued, held)], hold.actor, seals)
    return held


def write_moves(
    conn: sa.Connection,
    moves: Sequence[Move],
    actor: str,
    seals: Seals,
    update: BulkUpdate = _ROW_UPDATE,
    more: Sequence[Mapping[str, object]] = (),
    **common: object,
) -> bool:
    """
    Write rows as `write_rows` does, with the transitions of those that move, and their events.

    Each row says where its history ends from then on. What is appended is never changed or deleted.
    """
    said = [_transition(move, actor) for move in moves]
    chained = [
        move if one is None else move._replace(after=_chained(move.after, one))
        for move, one in zip(moves, said, strict=True)
    ]
    if not write_rows(conn, chained, seals, update, more, **common):
        return False
    if rows := [one for one in said if one is not None]:
        _TRANSITIONS.execute(conn, rows)
    append_moves(conn, ((move.before, move.after) for move in moves))
    return True


def _transition(move: Move, actor: str) -> dict[str, object] | None:
    """
    The row that records a move; None where the status stays.
    """
    before, after, evidence_id = move
    if after.status is before.status:
        return None
    return {
        "payout_id": before.id,
        "from_status": before.status,
        "to_status": after.status,
        "reason": after.reason,
        "evidence_id": evidence_id,
        "actor": actor,
        "at": after.updated_at,
    }


def _chained(payout: Payout, transition: Mapping[str, object]) -> Payout:
    vouched = with_transition(payout.vouched, transition_said(transition))
    return replace(payout, vouched=vouched)


def _guards(before: Payout) -> dict[str, object]:
    return {
        "before_id": before.id,
        "before_status": before.status,
        "before_version": before.version,
    }


_TRANSITIONS = BulkInsert(transitions)

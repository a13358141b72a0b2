"""
Events as they are written: in the transaction that causes them.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.event import EventType
from worker.payouts.model import CaseKind, Payout, Rejection
from worker.payouts.policy.events import NOT_YET_REPAYABLE, OF_PRODUCERS, repayable_from, told_by
from worker.store.bulk import BulkInsert
from worker.store.event_tables import events
from worker.store.tables import installation

# The first, in a database that no program has stamped with its profile yet.
_EPOCH = sa.func.coalesce(sa.select(installation.c.epoch).scalar_subquery(), 1)
_INSERT = BulkInsert(events, epoch=_EPOCH)


def append_moves(conn: sa.Connection, moves: Iterable[tuple[Payout, Payout]]) -> None:
    """
    Tell what the moves of payouts are to their producers.
    """
    _append(
        conn, [_of(after, type_) for before, after in moves for type_ in told_by(before, after)]
    )


def append_accepted(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """
    Tell that payouts were accepted, given their columns and ids.
    """
    _append(
        conn,
        [
            {
                **_event(EventType.ACCEPTED, row["accepted_at"]),
                "payout_id": row["id"],
                **{name: row[name] for name in _COPIED},
            }
            for row in rows
        ],
    )


def append_case(conn: sa.Connection, payout: Payout, kind: CaseKind, now: datetime) -> None:
    """
    Tell that a case opened, if it is the producer's business too.
    """
    if kind in OF_PRODUCERS:
        told = _of(payout, EventType.NEEDS_ATTENTION)
        _append(conn, [{**told, "at": now, "case_kind": kind}])


def append_rejection(conn: sa.Connection, rejection: Rejection, now: datetime) -> None:
    """
    Tell a producer that a job of its own was not accepted; nobody, where nobody said whose it is.
    """
    if rejection.producer is not None:
        _append(
            conn,
            [
                {
                    **_event(EventType.REJECTED, now),
                    "producer": rejection.producer,
                    "out_trade_no": rejection.out_trade_no,
                    "faults": json.dumps([rejection.reason, *rejection.faults]),
                }
            ],
        )


#: What an event says of its payout, by the names that both tables have.
_COPIED = (
    *("producer", "customer_no", "out_trade_no", "obligation", "version"),
    *("status", "reason", "amount_fen", "returned_fen"),
)


def _append(conn: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        _INSERT.execute(conn, rows)


def _event(type_: EventType, at: datetime) -> dict[str, object]:
    """
    Every column of an event of which nothing more is known.
    """
    nothing: dict[str, object] = dict.fromkeys(
        column.name for column in events.c if column.name not in {"id", "position", "epoch"}
    )
    return {**nothing, "uid": secrets.token_hex(16), "type": type_, "at": at, "version": 0}


def _of(payout: Payout, type_: EventType) -> dict[str, object]:
    is_back = type_ in NOT_YET_REPAYABLE
    return {
        **_event(type_, payout.updated_at),
        "payout_id": payout.id,
        "customer_no": payout.terms.customer_no,
        "repayable_from": repayable_from(payout) if is_back else None,
        **{name: getattr(payout, name) for name in _COPIED if name != "customer_no"},
    }

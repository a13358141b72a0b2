"""
When two states are the same: rows, books and what is pending, with times counted from now.
"""

from collections.abc import Hashable
from datetime import datetime
from operator import attrgetter
from typing import Any

from tests.exploration.jd import Entry
from tests.exploration.world import World
from tests.factories import MERCHANT
from worker.payouts.evidence import Evidence
from worker.payouts.model import Attempt, Case, Payout

#: Of a payout: what is told of it, and when something is due. Its version and `updated_at` decide
#: nothing here.
_TELLS = attrgetter(
    *("out_trade_no", "amount_fen", "status", "reason", "exposed", "returned_fen"),
    *("terms.customer_no", "terms.gateway_url"),
)
_COUNTS = attrgetter("resends", "query_misses", "trade_no")
_TIMES = attrgetter(
    *("accepted_at", "lease_until", "lease_ended_at", "first_sent_at", "last_sent_at"),
    *("finalized_at", "next_send_at", "next_query_at", "let_go_at", "doubted_at", "released_at"),
)


def key(world: World) -> int:
    """
    A number that is the same for states that are, and hardly ever for others.
    """
    return hash(_state(world))


def _state(world: World) -> tuple[Hashable, ...]:
    ledger, now = world.ledger, world.clock.now
    rows = ledger.payouts(None, 10)
    cases = ledger.cases(open_only=False, limit=100)
    parts: list[Hashable] = [
        (
            _row(row, now),
            tuple(_attempt(a, now) for a in ledger.dossier(row.id).attempts),
            _evidence(ledger.dossier(row.id).evidence, cases, row.id, now),
            tuple(d.action for d in ledger.decisions(row.id)),
        )
        for row in rows
    ]
    parts += [(number, _entry(entry, now)) for number, entry in sorted(world.jd.entries.items())]
    parts += [ledger.channel(MERCHANT).paused_why, world.rejected, world.restored]
    parts += [_has_forgotten(world), world.mark.is_away, _since(ledger.restored_at, now)]
    parts += [world.settings, world.jd.is_key_ours]
    parts.append(tuple(claim.order.out_trade_no for claim in world.journal.claims))
    if world.backup is not None:
        held = world.backup["_rows"].values()
        parts.append(tuple(_row(row, now) for row in held))
    return tuple(parts)


def _has_forgotten(world: World) -> Hashable:
    """
    What the mark will find once it is asked, whatever the names of epochs and attempts are.
    """
    known = world.mark.memory.get(world.ledger.sweep_count().uid)
    return known is not None and world.ledger.has_forgotten(known)


def _row(row: Payout, now: datetime) -> Hashable:
    return _TELLS(row), _COUNTS(row), tuple(_since(at, now) for at in _TIMES(row))


def _attempt(attempt: Attempt, now: datetime) -> Hashable:
    return attempt.outcome, _since(attempt.started_at, now), _since(attempt.closed_at, now)


def _evidence(pieces: Any, cases: Any, payout_id: int, now: datetime) -> Hashable:
    """
    All that was told, in order, and the cases by their place in it.
    """
    places = {piece.id: place for place, piece in enumerate(pieces)}
    told = tuple(_piece(piece, now) for piece in pieces)
    return told, tuple(_case(case, places) for case in cases if case.payout_id == payout_id)


def _piece(piece: Evidence, now: datetime) -> Hashable:
    is_judged = piece.applied_at is not None
    when = _since(piece.asked_at, now), _since(piece.received_at, now)
    return piece.source, piece.answer.raw, when, piece.attempt_id is None, is_judged


def _case(case: Case, places: dict[int, int]) -> Hashable:
    return case.kind, places.get(case.evidence_id or 0), case.closed_at is None


def _entry(entry: Entry, now: datetime) -> Hashable:
    return (
        *(entry.debits, tuple((_since(at, now), said) for at, said in entry.steps)),
        tuple((_since(at, now), is_refused) for at, is_refused in entry.sent),
        tuple(_since(at, now) for at in entry.wire),
        tuple((word.source, word.said, _since(word.at, now)) for word in entry.words),
    )


def _since(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else (at - now).total_seconds()

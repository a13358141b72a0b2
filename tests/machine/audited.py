"""
The sandbox's auditor over the jobs, the books of the machine's JD and what the ledger says.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.machine import books
from tests.machine.service import Service
from tests.simulation.audited import breaches
from worker.payouts.invariants import Breach, Invariant
from worker.sandbox.debts import Trade
from worker.sandbox.trade import Status, Step

_WHILE_IT_RUNS = frozenset({Invariant.I1_PAID_ONCE, Invariant.I7_SIGNED_ONLY})


def audited(service: Service, healed_at: datetime | None = None) -> Iterator[Breach]:
    """
    What the auditor finds; before faults healed, of what must hold at any time alone.
    """
    booked = service.books.trades
    foreign = {number for number, trade in booked.items() if trade.request is None}
    excused = {n for n, t in booked.items() if t.course is books.Course.CLOSED_THEN_PAID}
    excused |= {service.ledger.number_of(payout_id) for payout_id in service.resolved}
    found = breaches(
        service.ledger,
        service.jobs,
        {n: _trade(t, service.books.debits[n]) for n, t in booked.items() if n not in foreign},
        excused=excused,
        asked_since=healed_at or service.clock.now,
        foreign=foreign,
    )
    return (b for b in found if healed_at is not None or b.invariant in _WHILE_IT_RUNS)


def _trade(trade: books.Trade, debits: int) -> Trade:
    steps, back = [], 0
    for turn in trade.course.value:
        named = trade.back_fen(turn) or 0
        back = max(back, named if named <= trade.amount_fen else 0)
        at = trade.booked_at + timedelta(hours=turn.hours)
        steps.append(Step(at, Status(turn.status.value), back))
    return Trade(trade.amount_fen, steps, debits)

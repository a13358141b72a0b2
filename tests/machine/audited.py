"""
The sandbox's auditor over the jobs, the books of the machine's JD and what the ledger says.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from tests.machine import books
from tests.machine.service import Service
from tests.simulation.audited import breaches
from worker.payouts.invariants import Breach, Invariant
from worker.payouts.status import PayoutStatus
from worker.sandbox.debts import Trade
from worker.sandbox.trade import Status, Step

_TWICE = 2
_MANY = 1000
_WHILE_IT_RUNS = frozenset({Invariant.I1_PAID_ONCE, Invariant.I7_SIGNED_ONLY})


def audited(
    service: Service,
    healed_at: datetime | None = None,
    *,
    unguarded: Collection[str] = (),
    forgotten: Collection[str] = (),
) -> Iterator[Breach]:
    """
    What the auditor finds; before faults healed, of what must hold at any time alone.

    Of an `unguarded` debt the database has forgotten a payout, and nobody has told it again. What
    JD denied to two questions may be paid more than once: nobody can know better.

    Nor can anyone of a number whose claim it has `forgotten`, as long as that is not noticed: who
    gives it up says that its debt is free. What is to pay instead waits for JD's answer about both.
    """
    booked = service.books.trades
    foreign = {number for number, trade in booked.items() if trade.request is None}
    foreign |= service.forgotten()
    excused = {n for n, t in booked.items() if t.course is books.Course.CLOSED_THEN_PAID}
    rows = service.ledger.payouts(None, _MANY)
    excused |= {row.out_trade_no for row in rows if service.is_resolved(row)}
    found = breaches(
        service.ledger,
        service.left(),
        {n: _trade(t, service.books.debits[n]) for n, t in booked.items() if n not in foreign},
        excused=excused,
        asked_since=healed_at or service.clock.now,
        foreign=foreign,
    )
    denied = {number for number, times in service.gateway.untrue.items() if times >= _TWICE}
    deceived = {order.obligation for order in service.jobs if order.out_trade_no in denied}
    given_up = {
        row.out_trade_no
        for row in rows
        if row.out_trade_no in forgotten and row.status is PayoutStatus.CANCELLED
    }
    for breach in found:
        is_double = breach.invariant is Invariant.I1_PAID_ONCE
        is_excused = is_double and breach.out_trade_no in {*deceived, *unguarded}
        is_excused |= breach.out_trade_no in given_up
        if not is_excused and (healed_at is not None or breach.invariant in _WHILE_IT_RUNS):
            yield breach


def _trade(trade: books.Trade, debits: int) -> Trade:
    steps, back = [], 0
    for turn in trade.course.value:
        named = trade.back_fen(turn) or 0
        back = max(back, named if named <= trade.amount_fen else 0)
        at = trade.booked_at + timedelta(hours=turn.hours)
        steps.append(Step(at, Status(turn.status.value), back))
    return Trade(trade.amount_fen, steps, debits)

"""
The course of the demo: enqueue, show, audit.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.demo.audit import Audit, audit
from worker.demo.stack import Stack
from worker.demo.story import PAUSING, Actor, Result, enqueue, results
from worker.usecases.ports import Ledger

_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Everything that the demo found.
    """

    results: tuple[Result, ...]
    audit: Audit

    @property
    def ok(self) -> bool:
        """
        Whether every payout ended as documented and the books agree.
        """
        return self.audit.ok and all(result.is_reached for result in self.results)


#: Called with the state of every payout, time and again.
Show = Callable[[Sequence[Result]], None]


def play(
    stack: Stack, ledger: Ledger, actors: Sequence[Actor], show: Show, seconds: float
) -> Outcome:
    """
    Enqueue the actors' jobs and show them until each has its documented end, or `seconds` are over.

    Raises `StackError` if a process dies on the way.
    """
    deadline = time.monotonic() + seconds
    customer_no = stack.environment["PAYOUTS_CUSTOMER_NO"]
    last = [actor for actor in actors if actor.scenario.name == PAUSING]
    first = [actor for actor in actors if actor.scenario.name != PAUSING]
    for group in (first, last):
        enqueue(stack.broker.url, group)
        while True:
            stack.check()
            found = results(ledger, customer_no, actors)
            show(found)
            numbers = {actor.out_trade_no for actor in group}
            waiting = [r for r in found if r.out_trade_no in numbers and not r.is_reached]
            if not waiting or time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
    return Outcome(tuple(found), compare_books(stack, ledger))


def compare_books(stack: Stack, ledger: Ledger) -> Audit:
    """
    Hold the sandbox's books against the whole ledger.
    """
    everything = ledger.payouts(None, 1_000_000)
    with_case = {case.out_trade_no for case in ledger.cases(open_only=True, limit=1_000_000)}
    return audit(stack.books(), everything, with_case)

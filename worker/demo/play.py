"""
The course of the demo: enqueue, show, audit.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.demo.audit import Audit, audit
from worker.demo.stack import Stack
from worker.demo.story import PAUSING, Actor, Result, enqueue, results
from worker.sandbox.debts import Job
from worker.usecases.ports import Ledger

_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Everything that the demo found.
    """

    results: tuple[Result, ...]
    audit: Audit
    #: Whether a short balance was played and has not paused the channel, as it should.
    lacks_pause: bool

    @property
    def ok(self) -> bool:
        """
        Whether every payout ended as documented, the channel with them, and the books agree.
        """
        reached = all(result.is_reached for result in self.results)
        return self.audit.ok and reached and not self.lacks_pause


#: Called with the state of every payout, time and again.
Show = Callable[[Sequence[Result]], None]


def play(
    stack: Stack, ledger: Ledger, actors: Sequence[Actor], show: Show, seconds: float
) -> Outcome:
    """
    Enqueue the actors' jobs and show them until each has its documented end, or `seconds` are over.

    A short balance has reached its end when the channel is paused as well: that it was short is
    told by the query that follows a notification, so the pause comes after the final status.
    Raises `StackError` if a process dies on the way.
    """
    deadline = time.monotonic() + seconds
    customer_no = stack.environment["PAYOUTS_CUSTOMER_NO"]
    last = [actor for actor in actors if actor.scenario.name == PAUSING]
    first = [actor for actor in actors if actor.scenario.name != PAUSING]
    jobs: list[Job] = []
    for group in (first, last):
        jobs += enqueue(stack.broker.url, group)
        while True:
            stack.check()
            found = results(ledger, customer_no, actors)
            show(found)
            numbers = {actor.out_trade_no for actor in group}
            waiting = [r for r in found if r.out_trade_no in numbers and not r.is_reached]
            lacks_pause = group is last and bool(last) and not ledger.channel(customer_no).is_paused
            if not (waiting or lacks_pause) or time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
    return Outcome(tuple(found), audit(stack.books(), jobs, ledger), lacks_pause)

"""
The course of a run: load and faults together, then healing, then rest.
"""

import contextlib
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
import requests

from tests.chaos import plan
from tests.chaos.audit import Findings, audit, unfinished
from tests.chaos.injector import Injector
from tests.chaos.plan import Fault
from tests.chaos.producer import Producer
from tests.chaos.shops import Shops
from tests.database_roles import refusals
from worker.demo.stack import Stack
from worker.embedded.errors import NotReady
from worker.payouts.errors import StoreError
from worker.settings import PREFIX, ReceiverSettings
from worker.usecases.ports import Ledger

_TICK_SECONDS = 0.05
_PROGRESS_SECONDS = 10.0
_START_SECONDS = 60.0
#: For so long nothing may be left to do: longer than the sandbox takes to return what it paid.
_QUIET_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a run is asked for.
    """

    seed: int
    #: How long faults happen.
    seconds: float
    jobs_per_second: float
    #: What the ledger is on: ``postgres`` or ``sqlite``.
    database: str = "postgres"
    #: Whether the database goes back in time now and then.
    restores: bool = False
    #: For so long after the last fault nothing may come to rest while something is still to.
    rest_seconds: float = 150.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Everything that a run found.
    """

    wanted: Wanted
    #: The faults, and when each began.
    faults: Sequence[tuple[Fault, datetime]]
    ended_by_itself: Counter[str]
    made: int
    accepted: int
    rejected: int
    repeated: int
    rested_after: float
    #: How many events each shop heard, by its name, and how many were told again because the broker
    #: had lost them.
    heard: Mapping[str, int]
    told_again: int
    #: What is wrong with them.
    unheard: tuple[str, ...]
    #: What the database did not permit.
    refused: Sequence[str]
    findings: Findings

    @property
    def breaches(self) -> tuple[str, ...]:
        """
        Every promise that was not kept. A receiver may end where the database is away as it starts.
        """
        ended = tuple(
            f"{name} ended by itself, {times} times"
            for name, times in sorted(self.ended_by_itself.items())
            if name != "receiver"
        )
        return (*ended, *self.unheard, *self.refused, *self.findings.breaches)


def run(
    stack: Stack, ledger: Ledger, shops: Shops, wanted: Wanted, tell: Callable[[str], None]
) -> Outcome:
    """
    Break a running stack by the plan of a seed, let it heal, and check what became of it.
    """
    merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
    producer = Producer(
        *(stack.broker.url, merchant, ledger, wanted.seed, wanted.jobs_per_second),
        restores=wanted.restores,
    )
    injector = Injector(stack)
    with contextlib.closing(producer):
        _wait_for_work(injector, producer)
        begun = _break(injector, producer, wanted, tell)
        tell("all faults are over; waiting for everything to come to rest")
        rested_after = _heal(stack, ledger, shops, injector, producer, wanted.rest_seconds)
    injector.rest()
    given = {name.removeprefix(PREFIX).lower(): value for name, value in stack.environment.items()}
    limits = ReceiverSettings.model_validate(given).limits
    return Outcome(
        wanted=wanted,
        faults=begun,
        ended_by_itself=injector.ended,
        made=producer.made,
        accepted=len(producer.accepted),
        rejected=len(producer.rejected),
        repeated=producer.repeated,
        rested_after=rested_after,
        heard={one.name: len(one.heard.all()) for one in shops.all},
        told_again=len(shops.lost),
        unheard=tuple(shops.breaches(begun, restored=wanted.restores)),
        refused=refusals(stack) if stack.postgres else (),
        findings=audit(ledger, stack.books(), limits, producer.jobs, restored=wanted.restores),
    )


def _wait_for_work(injector: Injector, producer: Producer) -> None:
    """
    Wait until the workers have accepted a first job. Raises `TimeoutError` if they never do.
    """
    start = time.monotonic()
    while not producer.accepted:
        if time.monotonic() - start > _START_SECONDS:
            raise TimeoutError("no worker accepted the first job")
        _tick(injector, producer, _TICK_SECONDS)


def _break(
    injector: Injector, producer: Producer, wanted: Wanted, tell: Callable[[str], None]
) -> list[tuple[Fault, datetime]]:
    made = plan.make(wanted.seed, wanted.seconds, wanted.database, restores=wanted.restores)
    waiting = deque(made)
    begun: list[tuple[Fault, datetime]] = []
    lasting: list[Fault] = []
    start = time.monotonic()
    told = 0.0
    while (elapsed := time.monotonic() - start) < wanted.seconds or waiting or lasting:
        for fault in [one for one in lasting if one.ends <= elapsed]:
            # A server that does not start is tried again.
            with contextlib.suppress(NotReady):
                injector.end(fault)
                lasting.remove(fault)
                if fault.kind in plan.RESTORES:
                    producer.look_again()
        # Not before what the plan says is fixed by then: starting a server may have taken longer.
        while waiting and waiting[0].at <= elapsed and waiting[0].target not in _targets(lasting):
            fault = waiting.popleft()
            begun.append((fault, datetime.now(UTC)))
            injector.begin(fault)
            lasting.append(fault)
        _tick(injector, producer, min(elapsed, wanted.seconds))
        if elapsed - told >= _PROGRESS_SECONDS:
            told = elapsed
            tell(
                f"{elapsed:5.0f} s: {len(begun)} faults, {producer.made} jobs,"
                f" {len(producer.accepted)} accepted, {producer.repeated} repeated"
            )
    return begun


def _targets(faults: Sequence[Fault]) -> set[str]:
    return {fault.target for fault in faults}


def _heal(
    stack: Stack,
    ledger: Ledger,
    shops: Shops,
    injector: Injector,
    producer: Producer,
    seconds: float,
) -> float:
    """
    Wait until nothing is under way and the books agree; return how long that took.

    Gives up in silence once nothing has come to rest for so many seconds, however slow the machine
    is: the audit then names what is left.
    """
    start = quiet_since = progress = time.monotonic()
    least: float = math.inf
    while (now := time.monotonic()) - progress < seconds and now - quiet_since < _QUIET_SECONDS:
        _tick(injector, producer, 0.0)
        left: float = math.inf
        with contextlib.suppress(StoreError, requests.RequestException, redis.RedisError):
            shops.heal()
            left = len(producer.kept) + len(unfinished(ledger, stack.books(), producer.jobs))
            left += shops.left()
            # JD is asked about each of them, twice, before anything else gets on.
            left += ledger.health(stack.environment["PAYOUTS_CUSTOMER_NO"]).in_doubt
        if left:
            quiet_since = time.monotonic()
        if left < least:
            least, progress = left, time.monotonic()
        time.sleep(_TICK_SECONDS * 10)
    return quiet_since - start


def _tick(injector: Injector, producer: Producer, load_seconds: float) -> None:
    injector.supervise()
    producer.make(load_seconds)
    producer.send(time.monotonic())
    # The ledger may be away: the jobs are kept until it is back.
    with contextlib.suppress(StoreError):
        producer.look()
    time.sleep(_TICK_SECONDS)

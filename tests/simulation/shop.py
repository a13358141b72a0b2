"""
A producer's server, and the relays that tell it what happened.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

from tests.doubles.ledger import MemoryLedger
from tests.factories import an_order
from tests.simulation.scheduler import Scheduler
from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.event import Event
from worker.payouts.invariants import Breach, Invariant
from worker.payouts.model import Payout
from worker.payouts.policy.actions import Action
from worker.usecases.relay import Relay

_LEASE = timedelta(minutes=1)
#: So many shops have an endpoint.
_LISTENS = 0.5
#: So long after the last fault everything was tried once more.
_LONG = 25 * 3600


class Shop:
    """
    Hears of everything that happens, unless what it is told, or its answer, gets lost.
    """

    def __init__(
        self, rng: Random, scheduler: Scheduler, ledger: MemoryLedger, start: Callable[..., None]
    ) -> None:
        self._rng = rng
        self._scheduler = scheduler
        self._ledger = ledger
        self._start = start
        self._relays = count(1)
        #: How often it does not take what it is told.
        self.fails = rng.choice((0.0, 0.1, 0.5))
        #: How often what stands between loses all that it has not written down.
        self.crashes = rng.choice((0.0, 0.0, 0.1))
        self._crashed = 0
        self._written = 0
        #: What it heard, as it was told.
        self.heard: list[Event] = []
        self.ports: dict[str, Any] = {}
        #: Whether anybody wants to hear of anything, so that relays run.
        self.listens = rng.random() < _LISTENS
        if self.listens:
            url = "https://shop.example/"
            kind, key = EndpointKind.WEBHOOK, "whsec_YQ=="
            ledger.add_endpoint(an_order().producer, kind, url, (), key=key)

    def begin(self) -> int:
        """
        How often that was so far.
        """
        return self._crashed

    def lost(self, since: int) -> str | None:
        """
        Write down what was told, if all of that is still there.
        """
        if since != self._crashed:
            return "crashed"
        self._written = len(self.heard)
        return None

    def tell(self, _endpoint: Endpoint, event: Event) -> tuple[bool, str]:
        """
        Take an event, or lose it, or the answer to it.
        """
        if self._rng.random() < self.crashes:
            self._crashed += 1
            del self.heard[self._written :]
        if self._rng.random() < self.fails / 2:
            return False, "lost"
        self.heard.append(event)
        return self._rng.random() >= self.fails / 2, "200"

    def relay(self) -> None:
        """
        Start a process that tells it what it can, beside others that do the same.
        """
        most = self._rng.choice((1, 2, 8))
        told = Relay(
            self.ports["outbox_ledger"],
            lambda _kind: self.ports["courier"],
            _LEASE,
            lambda: self._scheduler.seconds,
        )

        def work() -> None:
            told.announce()
            for endpoint in told.active().values():
                while told.deliver(endpoint, most, map):
                    pass

        self._start(f"relay-{next(self._relays)}", work)

    def finish(self, *, went_back: bool) -> Iterator[Breach]:
        """
        Have everything told that is left, and say what was lost, reordered or made up.
        """
        self.fails = self.crashes = 0.0
        steady = lambda: self._scheduler.seconds  # noqa: E731
        told = Relay(self._ledger, lambda _kind: self, _LEASE, steady)
        told.announce()
        for _ in range(2):
            self._scheduler.seconds += _LONG
            for endpoint in told.active().values():
                while told.deliver(endpoint, 8, map):
                    pass
        if self.listens:
            yield from self._unheard()
        if not went_back:
            yield from self._out_of_order()
        for row in self._ledger.payouts(None, 100):
            yield from self._untold(row)

    def _unheard(self) -> Iterator[Breach]:
        heard = {(event.uid, event.at, event.type) for event in self.heard}
        for event in self._ledger.events(10_000):
            is_given_up = any(
                one.next_at is None and one.delivered_at is None
                for _, one, _ in self._ledger.deliveries(event)
            )
            if (event.uid, event.at, event.type) not in heard and not is_given_up:
                yield _breach(event.out_trade_no, f"{event.type} was never heard")

    def _out_of_order(self) -> Iterator[Breach]:
        """
        Each event where it was heard first: of a payout, as its versions rose.
        """
        last: dict[int, tuple[int, int]] = {}
        seen: set[str] = set()
        for event in self.heard:
            if event.payout_id is None or event.uid in seen:
                continue
            seen.add(event.uid)
            place = (event.epoch, event.version)
            if place < last.get(event.payout_id, (0, 0)):
                yield _breach(event.out_trade_no, f"{event.type} was heard after what followed it")
            last[event.payout_id] = place

    def _untold(self, row: Payout) -> Iterator[Breach]:
        """
        Moves, returns and freed debts, by the rows that tell of them otherwise.
        """
        own = [e for e in self._ledger.events(10_000) if e.payout_id == row.id][::-1]
        types = [event.type.value.removeprefix("payout.") for event in own]
        moved = [
            "accepted" if t.from_status is None else _CALLED.get(t.to_status, t.to_status.value)
            for t in self._ledger.history(row.id)
        ]
        if [name for name in types if name in {*moved}] != moved:
            yield _breach(row.out_trade_no, f"moved {moved}, and told {types}")
        back = [e.returned_fen for e in own if e.type.value.endswith("returned")]
        if row.returned_fen and back[-1:] != [row.returned_fen]:
            yield _breach(row.out_trade_no, f"{row.returned_fen} fen came back, told {back}")
        freed = [d for d in self._ledger.decisions(row.id) if d.action is Action.RELEASE]
        if types.count("obligation.freed") != len(freed):
            yield _breach(row.out_trade_no, f"freed {len(freed)} times, and told {types}")


#: Where an event is not called as the status is.
_CALLED = {"sending": "sent"}


def _breach(number: str | None, detail: str) -> Breach:
    return Breach(Invariant.I5_HISTORY_IS_WHOLE, number or "", detail)

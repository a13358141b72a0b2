"""
The shops of a run: processes that hear of its events, beside addresses where nobody ever does.
"""

import json
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import redis

import tests
from tests.chaos.events import behind, disorder, unheard
from tests.chaos.heard import VARIABLE, Heard
from tests.chaos.operator import command
from tests.chaos.plan import QUEUE_SHOP, WEBHOOK_SHOP, Fault, Kind
from worker.demo.stack import Stack
from worker.embedded.broker import free_port
from worker.payouts.endpoint import EndpointKind
from worker.payouts.event import Event
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.store.ledger import SqlLedger

#: More than any run has.
_ALL = 10_000_000
_KEY = "whsec_YWxsIG91ciBldmVudHM="
_QUEUE = "shop.events"

#: How often what waits for a later try is tried at once, after the last fault.
_RETRY_SECONDS = 3.0

#: An event that the broker took is written down as told so much later at most.
_NOTED_LATE = timedelta(seconds=10)

#: With these a message can be lost that was popped and is not written down as in hand yet: kombu
#: does that in two steps.
_CUTS = {Kind.BROKER_CLIENTS_CUT, Kind.BROKER_KILLED}


@dataclass(slots=True)
class Shop:
    """
    One process of a producer's: its address, and what it heard.
    """

    name: str
    kind: EndpointKind
    address: str
    heard: Heard
    _retried: float = float("-inf")

    def endpoint(self, ledger: SqlLedger) -> int:
        """
        The id of its endpoint.
        """
        return next(one.id for one in ledger.endpoints() if one.address == self.address)

    def heal(self, ledger: SqlLedger) -> None:
        """
        End its faults, and have what waits for a later try told now. Raises `StoreError`.
        """
        self.heard.heal()
        if time.monotonic() - self._retried > _RETRY_SECONDS:
            ledger.retry_endpoint(self.endpoint(ledger))
            self._retried = time.monotonic()

    def unheard(self, ledger: SqlLedger) -> list[Event]:
        """
        What it never heard.
        """
        return unheard(_events(ledger), self.heard.all())

    def breaches(self, ledger: SqlLedger, *, restored: bool = False) -> Iterator[str]:
        """
        What it never heard, or heard in another order.

        Of a database that has forgotten something itself, no order is asked.
        """
        for event in self.unheard(ledger):
            yield (
                f"event {event.uid}: {event.type} of {event.out_trade_no} was never heard"
                f" by the {self.name}"
            )
        if restored:
            return
        heard = self.heard.all()
        # What came back to a queue comes after what was put there later.
        is_ordered = self.kind is EndpointKind.WEBHOOK
        yield from disorder(heard) if is_ordered else behind(_events(ledger), heard)


def _events(ledger: SqlLedger) -> Sequence[Event]:
    return ledger.events(_ALL, producer=DEFAULT_PRODUCER)


def start_webhook_shop(stack: Stack, seed: int) -> Shop:
    """
    Start the producer's web server.
    """
    port, heard = free_port(), Heard(stack.directory / f"{WEBHOOK_SHOP}.sqlite")
    arguments = (str(port), str(heard.path), str(seed))
    stack.start(WEBHOOK_SHOP, "tests.chaos.webhook_shop", *arguments, own=_found())
    return Shop(WEBHOOK_SHOP, EndpointKind.WEBHOOK, f"http://127.0.0.1:{port}/", heard)


def start_queue_shop(stack: Stack) -> Shop:
    """
    Start the producer's worker on its queue.
    """
    heard = Heard(stack.directory / f"{QUEUE_SHOP}.sqlite")
    stack.start(
        QUEUE_SHOP,
        *("celery", "-A", "tests.chaos.queue_shop", "worker"),
        *("--queues", _QUEUE, "--pool", "solo", "--hostname", f"{QUEUE_SHOP}@%h"),
        own={**_found(), VARIABLE: str(heard.path)},
    )
    return Shop(QUEUE_SHOP, EndpointKind.QUEUE, _QUEUE, heard)


def _found() -> dict[str, str]:
    """
    What lets a process in another folder import the tests.
    """
    return {"PYTHONPATH": str(Path(tests.__path__[0]).parent)}


class Shops:
    """
    A web server and a worker, as processes; and two addresses that take nothing.
    """

    def __init__(self, stack: Stack, ledger: SqlLedger, seed: int) -> None:
        self._stack = stack
        self._ledger = ledger
        self.webhook = start_webhook_shop(stack, seed)
        self.queue = start_queue_shop(stack)
        self.all = (self.webhook, self.queue)
        # It takes connections, and never says anything.
        self._silent = socket.create_server(("127.0.0.1", 0))
        for shop in self.all:
            self._add(shop.kind, shop.address)
        for port in (self._silent.getsockname()[1], free_port()):
            self._add(EndpointKind.WEBHOOK, f"http://127.0.0.1:{port}/")
        #: What the broker lost, and when it was told; and what was missing at the look before.
        self.lost: dict[str, datetime] = {}
        self._missing: dict[str, datetime] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._silent.close()

    def heal(self) -> None:
        """
        What is done once nothing breaks any more, again and again until all is heard.

        Faults end, what waits for a later try is tried at once, and what the broker lost is told
        again. Raises `StoreError`, `RedisError`.
        """
        for shop in self.all:
            shop.heal(self._ledger)
        # What is missing twice was not on its way between two places.
        before, self._missing = self._missing, self._look()
        lost = self._missing.keys() & before.keys() - self.lost.keys()
        if lost:
            endpoint = str(self.queue.endpoint(self._ledger))
            command(self._stack, "events", "resend", *sorted(lost), "--endpoint", endpoint)
            self.lost |= {uid: self._missing[uid] for uid in lost}

    def left(self) -> int:
        """
        How much was not heard yet.
        """
        return sum(len(shop.unheard(self._ledger)) for shop in self.all)

    def breaches(
        self, faults: Sequence[tuple[Fault, datetime]], *, restored: bool
    ) -> Iterator[str]:
        """
        What was never heard, or not in order, or lost though nothing broke that can lose it.
        """
        for shop in self.all:
            yield from shop.breaches(self._ledger, restored=restored)
        yield from unexplained(self.lost, faults)

    def _add(self, kind: EndpointKind, address: str) -> None:
        key = _KEY if kind is EndpointKind.WEBHOOK else None
        where = (DEFAULT_PRODUCER, kind, address, ())
        self._ledger.add_endpoint(*where, is_private=True, key=key)

    def _look(self) -> dict[str, datetime]:
        """
        What the queue was told of and nobody has any more, and when it was told.
        """
        with redis.Redis.from_url(self._stack.broker.url, socket_timeout=5.0) as broker:
            in_hand = [json.loads(one)[2] for one in broker.hvals("unacked")]
            if broker.llen(_QUEUE) or _QUEUE in in_hand:
                return {}
        return {
            event.uid: delivery.delivered_at
            for event in self.queue.unheard(self._ledger)
            for address, delivery, _ in self._ledger.deliveries(event)
            if address == _QUEUE and delivery.delivered_at is not None
        }


def unexplained(
    lost: dict[str, datetime], faults: Sequence[tuple[Fault, datetime]]
) -> Iterator[str]:
    """
    Say so if more was lost after the broker was emptied last than one message with each cut.
    """
    emptied = [began for fault, began in faults if fault.kind is Kind.BROKER_EMPTIED]
    later = [at for at in lost.values() if not emptied or at > max(emptied) + _NOTED_LATE]
    cuts = sum(fault.kind in _CUTS or fault.target == QUEUE_SHOP for fault, _ in faults)
    if len(later) > cuts:
        yield f"{len(later)} events were lost on their way to the queue, with {cuts} cuts"

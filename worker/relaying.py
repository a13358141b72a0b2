"""
The process that tells producers what happened: one thread announces, each endpoint has its own.

It needs the database, and the broker for endpoints that are queues; nothing that speaks to JD.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from worker.bootstrap import Once, ledger
from worker.broker.app import app
from worker.broker.events import QueueCourier
from worker.payouts.endpoint import EndpointKind
from worker.payouts.errors import PayoutError
from worker.usecases.ports.outbox import Courier
from worker.usecases.relay import Relay
from worker.webhooks.client import DEADLINE_S, WebhookCourier

log = logging.getLogger("jdpay_payouts.relay")

#: An endpoint is told so many events side by side, of so many that are claimed in one commit.
SIDE_BY_SIDE = 16
_TOGETHER = 4 * SIDE_BY_SIDE
#: Nobody else delivers what this process claimed, until it is surely over.
_LEASE = timedelta(seconds=8 * DEADLINE_S)
#: Seconds between two looks at a database that had nothing new, and at one that was away.
_LOOK_AGAIN_S = 0.5
_AWAY_S = 5.0


@Once
def relay() -> Relay:
    """
    What announces and delivers. Raises `SettingsError`, `StoreError`.
    """
    return Relay(ledger(), courier, _LEASE, time.monotonic)


@Once
def courier(kind: EndpointKind) -> Courier:
    """
    What carries events to one kind of endpoint.
    """
    match kind:
        case EndpointKind.WEBHOOK:
            return WebhookCourier()
        case EndpointKind.QUEUE:
            return QueueCourier(app)


class Relaying:
    """
    Announces and delivers until it is stopped.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._stopped = threading.Event()
        self._threads: dict[int, threading.Thread] = {}

    def run(self) -> None:
        """
        Work until `stop`. A database that is away is waited for.
        """
        self._until_stopped(self._look)
        for thread in self._threads.values():
            thread.join()

    def stop(self) -> None:
        """
        Let what is being told end, and tell nothing more.
        """
        self._stopped.set()

    def _look(self) -> bool:
        alive = {place for place, thread in self._threads.items() if thread.is_alive()}
        for endpoint_id in self._relay.active().keys() - alive:
            log.info("telling", extra={"action": "endpoint_begins", "endpoint": endpoint_id})
            thread = threading.Thread(target=self._serve, args=(endpoint_id,), daemon=True)
            self._threads[endpoint_id] = thread
            thread.start()
        return self._relay.announce() > 0

    def _serve(self, endpoint_id: int) -> None:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:

            def deliver() -> bool:
                endpoint = self._relay.active().get(endpoint_id)
                if endpoint is None:
                    return False
                return self._relay.deliver(endpoint, _TOGETHER, pool.map) > 0

            self._until_stopped(deliver)

    def _until_stopped(self, step: Callable[[], bool]) -> None:
        """
        Do a step again and again, at once where it found something.
        """
        while not self._stopped.is_set():
            try:
                wait = 0.0 if step() else _LOOK_AGAIN_S
            except PayoutError as away:
                log.warning("the database cannot be asked: %s", away)
                wait = _AWAY_S
            self._stopped.wait(wait)

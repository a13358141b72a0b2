"""
Senders whose gateway never answers: all that they send is in flight until they are killed.

``python -m tests.bench.silent PROCESSES`` is so many of them, each with as many requests in flight
as the product's own sender has. Every fifth request reaches the gateway, as the product sends it;
the others never do, as if the process had died between the claim and the connection.
"""

import contextlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime

from worker import service
from worker.embedded.children import die_with
from worker.payouts.errors import StoreUnavailable
from worker.payouts.evidence import Answer
from worker.payouts.model import Order, Terms
from worker.settings import Settings
from worker.usecases.ports import Gateway

#: One of so many requests reaches the gateway.
REACHES = 5

_LASTING_SECONDS = 3600.0
_LOOK_SECONDS = 0.1


class Silent:
    """
    A gateway that takes every fifth request, and tells nobody.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._places = itertools.count()

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        Render as the product does.
        """
        return self._gateway.render(order, terms, requested_at)

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Send or not, and never come back.
        """
        if next(self._places) % REACHES == 0:
            # Whatever came of it, nobody hears of it.
            with contextlib.suppress(Exception):
                self._gateway.submit(request, terms, before_connect)
        threading.Event().wait()
        raise AssertionError

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Nobody here asks.
        """
        raise NotImplementedError


def main() -> None:
    """
    Be so many processes, this one included, until killed.
    """
    gateway, first = Silent(service.gateway(Settings.load())), os.getpid()
    for _ in range(1, int(sys.argv[1])):
        if os.fork() == 0:
            die_with(first, signal.SIGKILL)
            break
    # All else is put together as the product does it.
    service._gateway = lambda: gateway  # type: ignore[assignment] # made already
    sender, in_flight = service.sender(), service.in_flight()
    while True:
        # So many wait for one merchant's pace that one may wait too long: as a task, it fails, and
        # is woken again.
        with contextlib.suppress(StoreUnavailable):
            in_flight.work_off(sender.take, _LASTING_SECONDS)
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()

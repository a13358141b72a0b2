"""
Senders whose gateway never answers: all that they send is in flight until they are killed.

``python -m tests.bench.silent PROCESSES`` is so many of them, each with as many requests in flight
as the product's own sender has. Every fifth request reaches the gateway, as the product sends it;
the others never do, as if the process had died between the claim and the connection.
"""

import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime

from worker import bootstrap, service
from worker.in_flight import InFlight
from worker.jdpay.deadline import steady
from worker.payouts.evidence import Answer
from worker.payouts.model import Order, Terms
from worker.processes import MOST_IN_FLIGHT
from worker.settings import Settings
from worker.usecases.ports import Gateway
from worker.usecases.send import Sender

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
    gateway = service.gateway(Settings.load())
    for _ in range(1, int(sys.argv[1])):
        if os.fork() == 0:
            break
    ledger, handler = bootstrap.ledger(), bootstrap.handler()
    sender, in_flight = Sender(handler, ledger, Silent(gateway), steady), InFlight(MOST_IN_FLIGHT)
    while True:
        in_flight.work_off(sender.take, _LASTING_SECONDS)
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()

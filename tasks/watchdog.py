"""
A process whose work stands still is ended, and its supervisor starts it again.

A child that takes too long is killed by Celery. A thread cannot be, and would hold one of the
places in flight for ever. Every wait of ours has an end long before this one; it is for the waits
that nobody knew of. What was sent is safe: its lease ends, and JD is asked.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import bootsteps, signals
from celery.concurrency.prefork import TaskPool as Children

from worker import service
from worker.broker.app import app

log = logging.getLogger("jdpay_payouts.watchdog")

#: How a process ends that is to be started again.
STANDS_STILL = 75

_LOOK_SECONDS = 1.0


class Running:
    """
    What runs, since when, and what to do if that is longer than `limit` seconds ago.

    `in_flight` tells for how long, in seconds, the oldest request has been in flight.
    """

    def __init__(
        self,
        limit: float,
        in_flight: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._limit = limit
        self._in_flight = in_flight
        self._clock = clock
        self._end = end
        self._began: dict[str, float] = {}

    def begin(self, task_id: str) -> None:
        """
        A task begins.
        """
        self._began[task_id] = self._clock()

    def finish(self, task_id: str) -> None:
        """
        A task is over.
        """
        self._began.pop(task_id, None)

    def look(self) -> None:
        """
        End this process if a task, or a request in flight, takes too long.
        """
        now = self._clock()
        longest = max([self._in_flight(), *(now - at for at in self._began.copy().values())])
        if longest > self._limit:
            log.critical(
                "work stands still for more than %.0f s: this process ends, to be started again",
                self._limit,
            )
            self._end(STANDS_STILL)


class Watchdog(bootsteps.StartStopStep):
    """
    Watches a worker whose tasks are threads, and lets it take nothing more once it is to end.
    """

    #: Its tasks are told to end before it is waited for them.
    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        self.enabled = not issubclass(parent.pool_cls, Children)
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:
        """
        Called once the pool runs.
        """
        running = Running(parent.app.conf.task_time_limit, service.in_flight().longest)

        def begin(task_id: str, **_: object) -> None:
            running.begin(task_id)

        def finish(task_id: str, **_: object) -> None:
            running.finish(task_id)

        signals.task_prerun.connect(begin, weak=False)
        signals.task_postrun.connect(finish, weak=False)
        threading.Thread(target=_look_on, args=(running,), name="watchdog", daemon=True).start()

    def stop(self, parent: Any) -> None:
        """
        Called when the worker ends: what is on the wire then has as long as ever.
        """
        service.in_flight().stop()


def _look_on(running: Running) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        running.look()


app.steps["worker"].add(Watchdog)

"""
A worker starts only if it can work.

That is looked at before its pool is forked, and before it takes anything off a queue.
"""

import contextlib
from typing import Any

from celery import bootsteps

from worker import monitoring, service, startup
from worker.broker.app import app
from worker.payouts.errors import BrokerUnavailable


class Readiness(bootsteps.Step):
    """
    Waits for the database, and ends a worker that could never do its work.
    """

    def create(self, parent: Any) -> None:
        """
        Called while the worker is put together, of which nothing runs yet.
        """
        if parent is not None:
            _note_start(parent.hostname)
        startup.when_usable("worker", service.check)


def _note_start(worker: str) -> None:
    """
    Remember it before anything can end this process, so that one that never stays is noticed.
    """
    with contextlib.suppress(BrokerUnavailable):
        monitoring.broker().note_start(worker)


app.steps["worker"].add(Readiness)

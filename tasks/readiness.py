"""
A worker starts only if it can work.

That is looked at before its pool is forked, and before it takes anything off a queue.
"""

from typing import Any

from celery import bootsteps

from worker import service, startup
from worker.broker.app import app


class Readiness(bootsteps.Step):
    """
    Waits for the database, and ends a worker that could never do its work.
    """

    def create(self, parent: Any) -> None:
        """
        Called while the worker is put together, of which nothing runs yet.
        """
        startup.when_usable("worker", service.check)


app.steps["worker"].add(Readiness)

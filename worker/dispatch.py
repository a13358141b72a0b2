"""
Waking workers by task name, after the commit and never instead of it.
"""

import logging

from celery import Celery
from kombu.exceptions import OperationalError

from worker.names import ROUTES, TaskName

log = logging.getLogger("jdpay_payouts.dispatch")


class CeleryDispatcher:
    """
    A `Dispatcher` over the broker. It tries once: the sweep wakes whatever it could not.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    def submit(self, payout_id: int) -> None:
        """
        Wake the submit task for one payout.
        """
        self._wake(TaskName.SUBMIT, payout_id)

    def query(self, payout_id: int) -> None:
        """
        Wake the query task for one payout.
        """
        self._wake(TaskName.QUERY, payout_id)

    def _wake(self, task: TaskName, payout_id: int) -> None:
        try:
            self._app.send_task(
                task.value, args=(payout_id,), queue=ROUTES[task].value, retry=False
            )
        except OperationalError:
            log.warning("broker away; the sweep will wake it", extra={"payout_id": payout_id})


class SilentDispatcher:
    """
    A `Dispatcher` for processes without a broker: the sweep does the waking.
    """

    def submit(self, payout_id: int) -> None:
        """
        Leave it to the sweep.
        """

    def query(self, payout_id: int) -> None:
        """
        Leave it to the sweep.
        """

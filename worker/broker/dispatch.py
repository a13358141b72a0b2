"""
Waking workers by task name, after the commit and never instead of it.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu.exceptions import ChannelError, OperationalError

from worker.broker.names import ROUTES, QueueName, TaskName
from worker.usecases.ports import Room

log = logging.getLogger("jdpay_payouts.dispatch")

#: So many wake-ups of a kind may wait: several seconds of work, more than there is between two
#: sweeps. More would find their payouts woken again, and hold up what comes after them.
QUEUED = 200

#: After a wake-up that failed the next ones are left to the sweep for so long: each would take
#: seconds to fail, and a hundred of them longer than a task may.
_AWAY_SECONDS = 5.0


class CeleryDispatcher:
    """
    A `Dispatcher` over the broker. It tries once: the sweep wakes whatever it could not.
    """

    def __init__(self, app: Celery, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._away_until = -math.inf

    def room(self) -> Room:
        """
        How many more wake-ups the queues take; none while the broker is away.
        """
        if self._is_away():
            return Room(sends=0, queries=0)
        with self._app.producer_or_acquire() as producer:
            connection = producer.connection
            away = (OperationalError, *connection.connection_errors, *connection.channel_errors)
            try:
                return Room(
                    sends=_free(producer.channel, ROUTES[TaskName.SUBMIT]),
                    queries=_free(producer.channel, ROUTES[TaskName.QUERY]),
                )
            except away:
                log.warning("broker away; a later sweep will do the waking")
                return Room(sends=0, queries=0)

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

    def _is_away(self) -> bool:
        return self._clock() < self._away_until

    def _wake(self, task: TaskName, payout_id: int) -> None:
        if self._is_away():
            return
        try:
            self._app.send_task(
                task.value, args=(payout_id,), queue=ROUTES[task].value, retry=False
            )
        except OperationalError:
            # The news is the broker: whose wake-up it was matters to nobody.
            log.warning("broker away; the sweep will do the waking")
            self._away_until = self._clock() + _AWAY_SECONDS


def _free(channel: Any, queue: QueueName) -> int:
    try:
        waiting: int = channel.queue_declare(queue.value, passive=True).message_count
    except ChannelError:  # Redis does not know a queue that is empty
        waiting = 0
    return max(0, QUEUED - waiting)

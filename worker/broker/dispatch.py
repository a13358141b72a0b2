"""
Waking workers by task name, after the commit and never instead of it.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

import redis
from celery import Celery
from kombu.exceptions import ChannelError, OperationalError

from worker.broker.names import ROUTES, QueueName, TaskName
from worker.usecases.ports.dispatcher import GATHER_S

log = logging.getLogger("jdpay_payouts.dispatch")

#: What kombu or the client below it raises where the broker cannot be reached, or takes nothing.
_AWAY = (OperationalError, redis.exceptions.RedisError, OSError)

#: After a wake-up that failed the next ones are left to the sweep for so long: each would take
#: seconds to fail, and a hundred of them longer than a task may.
_AWAY_SECONDS = 5.0


class CeleryDispatcher:
    """
    A `Dispatcher` over the broker. It tries once: the sweep wakes whatever it could not.

    A queue holds one wake-up, or few where several come at once: whoever takes it looks into the
    database, so another one would say nothing new. Nor would one that follows within `GATHER_S`,
    since whoever is woken looks again after that.
    """

    def __init__(self, app: Celery, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._away_until = -math.inf
        self._said_until: dict[TaskName, float] = {}

    def wake_sender(self) -> None:
        """
        Have someone send what is due.
        """
        self._wake(TaskName.SUBMIT)

    def wake_querier(self) -> None:
        """
        Have someone ask JD what is due to be asked.
        """
        self._wake(TaskName.QUERY)

    def _wake(self, task: TaskName) -> None:
        now = self._clock()
        if now < max(self._away_until, self._said_until.get(task, -math.inf)):
            return
        queue = ROUTES[task]
        try:
            with self._app.producer_or_acquire() as producer:
                if _is_empty(producer.channel, queue):
                    self._app.send_task(
                        task.value, queue=queue.value, retry=False, producer=producer
                    )
            self._said_until[task] = now + GATHER_S
        except _AWAY:
            # The news is the broker: whose wake-up it was matters to nobody.
            log.warning("broker away; the sweep will do the waking")
            self._away_until = self._clock() + _AWAY_SECONDS


def _is_empty(channel: Any, queue: QueueName) -> bool:
    try:
        waiting: int = channel.queue_declare(queue.value, passive=True).message_count
    except ChannelError:  # Redis does not know a queue that is empty
        return True
    return waiting == 0

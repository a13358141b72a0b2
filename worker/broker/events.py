"""
Events as Celery tasks on a queue of the producer's.
"""

import redis
from celery import Celery
from kombu.exceptions import KombuError

from worker.payouts.endpoint import Endpoint
from worker.payouts.event import Event
from worker.views.events import event as document

#: The task that a producer's own worker registers; its one argument is the event.
EVENT_TASK = "payouts.event"

_AWAY = (KombuError, redis.RedisError, OSError)


class QueueCourier:
    """
    A `Courier` to queues: told is what the broker has taken. Nothing is expected back.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    def tell(self, endpoint: Endpoint, event: Event) -> tuple[bool, str]:
        """
        Whether the broker took the task, and why not.
        """
        try:
            self._app.send_task(
                EVENT_TASK,
                kwargs={"event": document(event)},
                task_id=event.uid,
                queue=endpoint.address,
                retry=False,
                ignore_result=True,
            )
        except _AWAY as away:
            return False, f"the broker is away: {type(away).__name__}"
        return True, "queued"

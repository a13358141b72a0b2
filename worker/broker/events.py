"""
Events as Celery tasks on a queue of the producer's.
"""

from celery import Celery

from worker.broker.append_only_file import AWAY, AppendOnlyFile
from worker.payouts.endpoint import Endpoint
from worker.payouts.event import Event
from worker.views.events import event as document

#: The task that a producer's own worker registers; its one argument is the event.
EVENT_TASK = "payouts.event"


class QueueCourier:
    """
    A `Courier` to queues: told is what the broker has on disk. Nothing is expected back.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._file = AppendOnlyFile(app)

    def begin(self) -> int:
        """
        Look at the broker; 0 while it is away.
        """
        try:
            return self._file.connect()
        except AWAY:
            return 0

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
        except AWAY as away:
            return False, f"the broker is away: {type(away).__name__}"
        return True, "queued"

    def lost(self, since: int) -> str | None:
        """
        Why what was told since may be lost; None if it is on disk, or the broker cannot tell.
        """
        return None if self._file.has_all(since) else "the broker may have lost it"

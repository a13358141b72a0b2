"""
The connection that a thread keeps open for its next question.
"""

import os
import threading

from worker.jdpay.deadline import DeadlineAdapter

#: Servers close what has been idle for a minute or so: well before that it is not used any more.
IDLE_SECONDS = 15.0


class Kept(threading.local):
    """
    At most one adapter a thread, with at most one connection.

    What was put in before a fork is never handed out after it: the connection is the parent's, and
    to close the copy of its socket says nothing to the server.
    """

    def __init__(self) -> None:
        self._adapter: DeadlineAdapter | None = None
        self._put_by, self._put_at = 0, 0.0

    def put(self, adapter: DeadlineAdapter, now: float) -> None:
        """
        Keep an adapter whose exchange ended well.
        """
        self._adapter, self._put_by, self._put_at = adapter, os.getpid(), now

    def take(self, now: float) -> DeadlineAdapter | None:
        """
        What this thread kept, out of here until it is put in again, unless it was idle for long.
        """
        adapter, self._adapter = self._adapter, None
        if adapter is None or self._put_by != os.getpid():
            return None
        if now - self._put_at > IDLE_SECONDS:
            adapter.close()
            return None
        return adapter

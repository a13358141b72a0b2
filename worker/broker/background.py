"""
Waking workers while somebody waits for an answer: the broker may be away, and the answer is not.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from worker.usecases.ports.dispatcher import Dispatcher


class BackgroundDispatcher:
    """
    A `Dispatcher` that hands each wake-up to another one, in a thread of its own, and goes on.

    Of those that wait to begin, one says all: whoever is woken looks at everything that is due.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._thread = ThreadPoolExecutor(1, "wake-ups")
        self._lock = Lock()
        self._last: dict[str, Future[None]] = {}

    def wake_sender(self) -> None:
        """
        Have someone send what is due.
        """
        self._submit("sender")

    def wake_querier(self) -> None:
        """
        Have someone ask JD what is due to be asked.
        """
        self._submit("querier")

    def _submit(self, whom: str) -> None:
        wakes = {"sender": self._dispatcher.wake_sender, "querier": self._dispatcher.wake_querier}
        with self._lock:
            last = self._last.get(whom)
            # One that has begun may have been told before there was anything to find.
            if last is None or last.running() or last.done():
                self._last[whom] = self._thread.submit(wakes[whom])

"""
Sends the notifications when they are due.
"""

import heapq
import itertools
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from worker.sandbox.behaviour import Notice
from worker.sandbox.books import Books
from worker.sandbox.dates import utc_now
from worker.sandbox.notifications import form_of, post
from worker.sandbox.switches import Switches
from worker.sandbox.trade import Status

log = logging.getLogger("jdpay_payouts.sandbox")

#: So many receivers may be slow at one time.
_THREADS = 8


@dataclass(slots=True)
class _Series:
    """
    The notifications of one order that are still to be sent, one after the other.
    """

    number: str
    notices: deque[Notice]
    acknowledged: set[Status] = field(default_factory=set)

    def next(self) -> Notice | None:
        """
        The next notification that is still wanted.
        """
        while self.notices:
            notice = self.notices[0]
            if notice.insistent or notice.step.status not in self.acknowledged:
                return notice
            self.notices.popleft()
        return None


class Notifier:
    """
    A few threads around one queue, ordered by due time.

    A series is in the queue once, or in the hands of one thread: so an order's notifications
    never overtake each other.
    """

    def __init__(self, books: Books, switches: Switches, sign_key: str) -> None:
        self._books = books
        self._switches = switches
        self._sign_key = sign_key
        self._changed = threading.Condition()
        self._queue: list[tuple[datetime, int, _Series]] = []
        self._sequence = itertools.count()
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"notifier-{n}", daemon=True)
            for n in range(_THREADS)
        ]

    def start(self) -> None:
        """
        Begin to send.
        """
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """
        Send no more, and wait for what is on its way.
        """
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def announce(self, number: str, notices: Sequence[Notice]) -> None:
        """
        Send these when they are due, in this order.
        """
        self._put(_Series(number, deque(notices)))

    def _put(self, series: _Series) -> None:
        notice = series.next()
        if notice is None:
            return
        with self._changed:
            heapq.heappush(self._queue, (notice.at, next(self._sequence), series))
            self._changed.notify()

    def _take(self) -> _Series | None:
        """
        Wait for the next series that is due; None when it is time to stop.
        """
        with self._changed:
            while not self._is_stopping:
                wait = (self._queue[0][0] - utc_now()).total_seconds() if self._queue else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(wait)
            return None

    def _run(self) -> None:
        while (series := self._take()) is not None:
            notice = series.notices.popleft()
            if not self._switches.drop_notifications:
                self._send(series, notice)
            self._put(series)

    def _send(self, series: _Series, notice: Notice) -> None:
        order = self._books.find(series.number)
        form = form_of(order, notice, self._sign_key)
        acknowledged = post(order.request["notify_url"], form)
        if acknowledged and not notice.forged:
            series.acknowledged.add(notice.step.status)
        self._books.notified(series.number, acknowledged=acknowledged)
        log.info(
            "notified %s of %s: %s",
            series.number,
            notice.step.status,
            "acknowledged" if acknowledged else "not acknowledged",
        )

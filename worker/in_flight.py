"""
Many requests in flight in one process, each in a thread that mostly waits.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from worker.usecases.ports.dispatcher import GATHER_S
from worker.usecases.taken import Taken, Work

log = logging.getLogger("jdpay_payouts.in_flight")

#: So much is claimed in one commit, at the most.
BATCH = 50

#: So long between two looks, so that each finds what has come meanwhile.
_LOOK_S = 0.03

#: Where all places are taken, it is waited for some of them to become free, so that claims do not
#: come one by one; and for one at the least after so many seconds.
_SOME, _SOON = 20, 0.05


class InFlight:
    """
    Does pieces of work side by side, so many at the most.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="in-flight")
        self._changed = threading.Condition()
        self._numbers = count()
        self._began: dict[int, float] = {}
        self._stopping = False

    def work_off(self, take: Callable[[int], Taken], lasting: float) -> bool:
        """
        Take and begin what is due, for so many seconds; return whether more may be due.

        It does not wait for what has begun. What was taken is begun, whatever happens.
        """
        now = self._clock()
        end, gathered = now + lasting, now + GATHER_S
        while (now := self._clock()) < end and not self._stopping:
            room = self._room()
            if room == 0:
                continue
            taken = take(min(room, BATCH))
            for work in taken.works:
                self._begin(work)
            if taken.works or taken.more_after is not None:
                gathered = now + GATHER_S
            elif now >= gathered:
                return False
            wait = _LOOK_S if taken.more_after is None else taken.more_after
            self._wait(min(wait, end - now))
        return True

    def stop(self) -> None:
        """
        Take nothing more. What has begun goes on to its end, and the process waits for it.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def rest(self) -> None:
        """
        Wait until everything that began has ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._began)

    def longest(self) -> float:
        """
        How many seconds the oldest piece of work has taken so far; 0 if there is none.
        """
        with self._changed:
            return self._clock() - min(self._began.values(), default=self._clock())

    def _room(self) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._free() >= _SOME, _SOON)
            return 0 if self._stopping else self._free()

    def _free(self) -> int:
        return self._most - len(self._began)

    def _wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, seconds)

    def _begin(self, work: Work) -> None:
        number = next(self._numbers)
        with self._changed:
            self._began[number] = self._clock()
        self._threads.submit(self._do, number, work)

    def _do(self, number: int, work: Work) -> None:
        try:
            work()
        except Exception:  # the border: one piece of work must not end the thread of the next
            # Its payout's lease ends by itself, and JD is asked.
            log.exception("left to the sweep")
        finally:
            with self._changed:
                del self._began[number]
                self._changed.notify_all()

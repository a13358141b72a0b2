"""
Virtual time, and the processes that share it: one runs at a time, and who is next is on a heap.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from greenlet import getcurrent, greenlet

from tests.factories import NOON
from worker.payouts.model import Attempt


class Crash(BaseException):
    """
    The process ends here, whatever it was doing.
    """


class Process:
    """
    A worker, a sweeper or a receiver, from its start until its end or its death.
    """

    def __init__(self, name: str, run: Callable[[], None], hub: greenlet) -> None:
        self.name = name
        #: What it claimed last: the only lease that it may connect under.
        self.attempt: Attempt | None = None
        #: Whether it is between the renewal of its lease and the connection.
        self.connecting = False
        self.body = greenlet(run, hub)


class Scheduler:
    """
    A clock that jumps to whatever comes next. Times are seconds after noon.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.running: Process | None = None
        self._hub = getcurrent()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._alive: dict[int, Process] = {}

    def now(self) -> datetime:
        """
        The virtual time.
        """
        return NOON + timedelta(seconds=self.seconds)

    @property
    def current(self) -> Process:
        """
        The process that calls this.
        """
        assert self.running is not None
        return self.running

    @property
    def next_at(self) -> float | None:
        """
        When the next action is due; None when nothing is planned.
        """
        return self._heap[0][0] if self._heap else None

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """
        Plan an action.
        """
        heapq.heappush(self._heap, (self.seconds + seconds, next(self._order), action))

    def step(self) -> None:
        """
        Jump to the next action and take it.
        """
        at, _, action = heapq.heappop(self._heap)
        self.seconds = max(self.seconds, at)
        action()

    def start(self, name: str, work: Callable[[], None], ended: Callable[[bool], None]) -> None:
        """
        Run `work` as a process, at once; `ended` hears whether it came to its end.
        """
        key = next(self._order)

        def run() -> None:
            whole = False
            try:
                work()
                whole = True
            except Crash:
                pass
            del self._alive[key]
            ended(whole)

        process = self._alive[key] = Process(name, run, self._hub)
        self._switch(process)

    def sleep(self, seconds: float) -> None:
        """
        Let others run, from inside a process; return when the time has passed.
        """
        process = self.current
        self.after(seconds, lambda: self._switch(process))
        self._hub.switch()

    def kill_all(self) -> None:
        """
        End every process where it stands.
        """
        for process in list(self._alive.values()):
            if process is not self.running:
                self._switch(process, Crash())

    def _switch(self, process: Process, crash: Crash | None = None) -> None:
        if process.body.dead:
            return
        before, self.running = self.running, process
        try:
            if crash is None:
                process.body.switch()
            else:
                process.body.throw(crash)
        finally:
            self.running = before

"""
A broker that keeps no promise, and the workers that it feeds.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.doubles.high_water_mark import MemoryMark
from tests.simulation.faults import Weather
from tests.simulation.scheduler import Scheduler
from worker.payouts.model import Order
from worker.payouts.progress import Progress


@dataclass(frozen=True)
class Message:
    """
    What a worker is asked to do. Entry messages alone carry an order, and are acknowledged late.
    """

    task: str
    order: Order | None = None

    def __str__(self) -> str:
        return f"{self.task} {self.order.out_trade_no}" if self.order else self.task


@dataclass(frozen=True)
class Kept:
    """
    What a broker held at one moment.
    """

    backlog: tuple[Message, ...]
    mark: dict[str, Progress]


class Broker:
    """
    Loses, repeats and delays messages; hands the others to workers, of which there are a few.
    """

    def __init__(
        self,
        rng: Random,
        scheduler: Scheduler,
        weather: Weather,
        workers: int,
        perform: Callable[[Message], None],
    ) -> None:
        self._rng = rng
        self._scheduler = scheduler
        self._weather = weather
        self._perform = perform
        self._idle = workers
        self._takes = rng.choice((1, 2, 200))
        self._started = 0
        self._backlog: deque[Message] = deque()
        #: What it remembers of the database, until it is wiped.
        self.mark = MemoryMark()
        #: Rises when everything that is under way is lost.
        self._epoch = 0

    def wake_sender(self) -> None:
        """
        Ask a worker to send what is due.
        """
        self._wake("send")

    def wake_querier(self) -> None:
        """
        Ask a worker to ask what is due.
        """
        self._wake("ask")

    def publish(self, message: Message) -> None:
        """
        Take a message from whoever sends one.
        """
        if self._weather.strikes("message_lost"):
            return
        for _ in range(1 + self._weather.strikes("message_repeated")):
            late = self._weather.strikes("message_late")
            self._deliver_after(self._rng.uniform(0, 300 if late else 0.2), message)

    def _wake(self, task: str) -> None:
        """
        Take a wake-up, unless so many of its kind wait that another one is of no use.
        """
        if [message.task for message in self._backlog].count(task) < self._takes:
            self.publish(Message(task))

    def wipe(self) -> None:
        """
        Forget every message.
        """
        self._backlog.clear()
        self.mark.memory.clear()
        self._epoch += 1

    def keep(self) -> Kept:
        """
        What it holds now.
        """
        return Kept(tuple(self._backlog), dict(self.mark.memory))

    def put_back(self, kept: Kept) -> None:
        """
        Hold what it held then, and nothing that came since.
        """
        self.wipe()
        self._backlog.extend(kept.backlog)
        self.mark.memory.update(kept.mark)
        self._scheduler.after(0, self._work)

    def _deliver_after(self, seconds: float, message: Message) -> None:
        epoch = self._epoch

        def deliver() -> None:
            if epoch == self._epoch:
                self._backlog.append(message)
                self._work()

        self._scheduler.after(seconds, deliver)

    def _work(self) -> None:
        if self._idle and self._backlog:
            message = self._backlog.popleft()
            self._idle -= 1
            self._started += 1
            name = f"worker-{self._started} ({message})"
            self._scheduler.start(
                name, lambda: self._perform(message), lambda whole: self._ended(message, whole)
            )

    def _ended(self, message: Message, whole: bool) -> None:
        """
        Let the worker take the next message, or first start again.
        """
        self._scheduler.after(0 if whole else self._rng.uniform(1, 60), self._free)
        if message.order is not None and not whole:
            self._deliver_after(self._rng.uniform(1, 60), message)

    def _free(self) -> None:
        self._idle += 1
        self._work()

"""
The model of JD calls us: at the end of each step, then after 1, 3, 10 and 120 minutes.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from tests.simulation.books import STANDS, Step, Trade
from tests.simulation.faults import Weather
from tests.simulation.jd import Jd
from tests.simulation.scheduler import Scheduler
from worker.payouts.evidence import Answer

_SERIES = (0.0, 60.0, 180.0, 600.0, 7200.0)

#: Takes a notification, and what to call once it is acknowledged.
Hear = Callable[[Answer, Callable[[], None]], None]


class Notifier:
    """
    Repeats itself until it is acknowledged, as far as the network lets it.
    """

    def __init__(
        self, rng: Random, scheduler: Scheduler, weather: Weather, jd: Jd, hear: Hear
    ) -> None:
        self._rng = rng
        self._scheduler = scheduler
        self._weather = weather
        self._jd = jd
        self._hear = hear
        self._acknowledged: set[Step] = set()

    def announce(self, trade: Trade) -> None:
        """
        Plan the notifications of a new trade.
        """
        for step in trade.steps:
            if STANDS[step.status].is_final:
                self._plan(trade, step, 0)

    def _plan(self, trade: Trade, step: Step, place: int) -> None:
        def notify() -> None:
            if step not in self._acknowledged:
                self._send(trade, step)
                if place + 1 < len(_SERIES):
                    self._plan(trade, step, place + 1)

        due = max(step.at + _SERIES[place], self._scheduler.seconds)
        self._scheduler.after(due - self._scheduler.seconds, notify)

    def _send(self, trade: Trade, step: Step) -> None:
        strikes = self._weather.strikes
        if strikes("notice_lost"):
            return
        for _ in range(1 + strikes("notice_repeated")):
            answer = self._jd.notice(trade, step)
            late = self._rng.uniform(0, 7200) if strikes("notice_late") else 0.1
            heard = partial(self._acknowledged.add, step)
            self._scheduler.after(late, partial(self._hear, answer, heard))

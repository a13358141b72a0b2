"""
What stands around every effect of a world: a moment for others, and perhaps a fault.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.checks import Watch
from tests.simulation.faults import OTHERS, Weather
from tests.simulation.scheduler import Crash, Scheduler
from tests.simulation.story import Story
from worker.payouts.errors import StoreUnavailable

_LONGEST_FREEZE = 1800.0


class DatabaseAway(StoreUnavailable):
    """
    The ledger could not be reached, or its word that it had committed was lost.
    """


class Failpoints:
    """
    The failpoint before and after every effect, whichever it is.

    `disturb` brings about the faults that befall more than the process at hand; `committed` hears
    that the ledger may have changed. A worker cannot
    know that it was stopped between the renewal of its lease and the connection; it is never
    stopped there for longer than `margin` seconds, which is what a lease has to spare.
    """

    def __init__(
        self,
        rng: Random,
        scheduler: Scheduler,
        weather: Weather,
        watch: Watch,
        story: Story,
        *,
        margin: float,
        disturb: Callable[[str], None],
        committed: Callable[[], None],
    ) -> None:
        self._rng = rng
        self._scheduler = scheduler
        self._weather = weather
        self._watch = watch
        self._story = story
        self._margin = margin
        self._disturb = disturb
        self._committed = committed
        #: How many effects there were.
        self.passed = 0

    def around(
        self,
        effect: str,
        method: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """
        Let an effect happen, or not, and have everything checked that it changed.
        """
        process = self._scheduler.current
        self.passed += 1
        fault, first = None, False
        if not self._weather.calm:
            fault, first = self._weather.strikes_anywhere(effect), self._rng.random() < 0.5
            if fault and first:
                self._strike(fault, effect, _LONGEST_FREEZE)
            self._dawdle()
        try:
            result = method(*args, **kwargs)
        except Exception as error:
            self._story.tell(process.name, f"{effect} raised {error!r}")
            raise
        self._story.tell_effect(process.name, effect, args, result)
        if effect.startswith(("ledger.", "outbox_ledger.")):
            self._committed()
        self._watch.saw(process, effect, args, result)
        if fault and not first and not self._weather.calm:
            longest = self._margin if process.connecting else _LONGEST_FREEZE
            self._strike(fault, effect, longest)
        return result

    def _dawdle(self) -> None:
        """
        Let others run in between, for a moment or for longer.
        """
        drawn = self._rng.random()
        if drawn < 0.4:
            longest = 30 if drawn < 0.01 else 5 if drawn < 0.05 else 0.05
            self._scheduler.sleep(self._rng.uniform(0, longest))

    def _strike(self, fault: str, effect: str, longest: float) -> None:
        self._story.tell(self._scheduler.current.name, f"!!! {fault} at {effect}")
        if fault == "freeze":
            self._scheduler.sleep(self._rng.uniform(longest / 30, longest))
        elif fault == "database_away":
            if effect.startswith(("ledger.", "outbox_ledger.")):
                raise DatabaseAway
        else:
            self._disturb(fault)
            if fault in OTHERS:
                self._scheduler.sleep(self._rng.uniform(0, 0.3))
            if fault in {"crash", "power_cut", "put_back"}:
                raise Crash

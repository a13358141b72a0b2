"""
Where processes run: one inside the other where one is interrupted, each around guarded ports.
"""

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.doubles.world import Died
from tests.machine.restores import Before, Past, Restores
from tests.machine.virtual import VirtualClock
from tests.simulation.failpoints import DatabaseAway
from worker.payouts.model import Attempt


class Blow(enum.Enum):
    """
    What may befall a process at an effect, or happen in others while it stands there.
    """

    DIES = "it ends without a word"
    DATABASE_AWAY = "the ledger cannot be reached, or its word that it committed is lost"
    FREEZES = "it stands still for so many seconds, and the others go on"
    TWIN = "another process does the same"
    SWEEP = "a sweeper passes"
    QUERY = "others ask JD about everything"
    NOTICES = "JD notifies us of everything"
    PAUSED = "someone pauses the channel"
    BROKER_WIPED = "the broker forgets everything"
    SAID_RESTORED = "someone says that the database was restored"
    FAILS_OVER = "the database loses its last commits, and another process does the same"


@dataclass(frozen=True)
class Strike:
    """
    One blow, before or after the effect of that number.
    """

    effect: int
    after: bool
    blow: Blow
    seconds: int = 0
    #: How far the database goes back, if it does.
    past: Past = field(default_factory=Past)


#: How far the database goes back, if it does.
pasts = st.builds(Past, before=st.sampled_from(Before), times=st.integers(1, 3))
strikes = st.none() | st.builds(
    Strike,
    # A submit has five effects and a sweep about ten; what matters most happens at the claim and
    # at the connection.
    effect=st.integers(1, 4) | st.integers(1, 10),
    after=st.booleans(),
    blow=st.sampled_from([*Blow, Blow.DIES, Blow.FREEZES, Blow.FREEZES]),
    seconds=st.sampled_from([1, 20, 80, 1800]),
    past=pasts,
)


@dataclass
class Process:
    """
    A worker, a sweeper, a receiver or an operator at work.
    """

    work: Callable[[], object]
    strike: Strike | None = None
    passed: int = 0
    #: What it claimed last: the only lease that it may connect under.
    attempt: Attempt | None = None
    #: Whether it is between the renewal of its lease and the connection.
    connecting: bool = False


class Stage:
    """
    Runs processes, and strikes them.

    A worker cannot know that it was stopped between the renewal of its lease and the connection;
    it is never stopped there for longer than `margin`, which is what a lease has to spare.
    """

    def __init__(self, clock: VirtualClock, margin: timedelta, restores: Restores) -> None:
        self._clock = clock
        self._margin = margin
        self._stack: list[Process] = []
        #: What others do at a blow, and while a process is frozen for so long.
        self.others: dict[Blow, Callable[[], object]] = {}
        self.go_on: Callable[[timedelta], object] = clock.advance
        #: Hears of each blow that fell, and of each effect with its arguments and its result.
        self.struck: Callable[[Blow], None] = lambda _blow: None
        self.saw: Callable[[str, tuple[Any, ...], Any], None] = lambda *_: None
        #: What keeps the database as it is before an effect, and what has it go back.
        self.restores = restores

    @property
    def current(self) -> Process:
        """
        Whoever runs now.
        """
        return self._stack[-1]

    def run(self, work: Callable[[], object], strike: Strike | None = None) -> bool:
        """
        Let a process work; return whether it came to its end.
        """
        begun = self.restores.times
        self._stack.append(Process(work, strike))
        try:
            work()
        except (Died, DatabaseAway):
            return False
        except Exception:
            # Any fault ends a process that does not find what the database has forgotten.
            if self.restores.times == begun:
                raise
            return False
        finally:
            self._stack.pop()
        return True

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """
        Know that the process renews its lease in order to connect.
        """
        self.current.connecting = True
        try:
            yield
        finally:
            self.current.connecting = False

    def around(
        self,
        effect: str,
        method: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """
        Let an effect happen, or not, with what was drawn before or after it.
        """
        process = self.current
        process.passed += 1
        strike = process.strike
        if strike is not None and strike.effect != process.passed:
            strike = None
        if strike is not None and not strike.after:
            self._befall(process, strike, effect)
        result = self.restores.commit(effect, lambda: method(*args, **kwargs))
        self.saw(effect, args, result)
        if strike is not None and strike.after:
            self._befall(process, strike, effect)
        return result

    def _befall(self, process: Process, strike: Strike, effect: str) -> None:
        self.struck(strike.blow)
        match strike.blow:
            case Blow.DIES:
                raise Died
            case Blow.DATABASE_AWAY:
                if effect.startswith("ledger."):
                    raise DatabaseAway
            case Blow.FREEZES:
                self._freeze(process, timedelta(seconds=strike.seconds), after=strike.after)
            case Blow.TWIN:
                self.run(process.work)
            case Blow.FAILS_OVER:
                if self.restores.fail_over(strike.past):
                    self.run(process.work)
            case other:
                self.run(self.others[other])

    def _freeze(self, process: Process, frozen: timedelta, *, after: bool) -> None:
        if process.connecting and after:
            self._clock.advance(min(frozen, self._margin))
        else:
            self.run(lambda: self.go_on(frozen))

"""
Breadth first through all that an alphabet can spell: each state once, the shortest histories first.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from tests.exploration import promises
from tests.exploration.alphabets import Alphabet, Letter
from tests.exploration.promises import Breach, Promise
from tests.exploration.states import key
from tests.exploration.world import Snapshot

#: A history: the places of its letters in the alphabet.
Path = bytes


@dataclass
class Explored:
    """
    What a search saw.
    """

    alphabet: Alphabet
    #: How many states have a shortest history of each length; the last may not be complete.
    states: list[int] = field(default_factory=lambda: [1])
    is_complete: bool = True
    steps: int = 0
    seconds: float = 0.0
    #: For each breach the first, and so a shortest, history that has it; the shortest first.
    broken: dict[Breach, Path] = field(default_factory=dict)

    def spelt(self, path: Path) -> list[str]:
        """
        A history in words.
        """
        return [self.alphabet.letters[place].name for place in path]


class Search:
    """
    One search. Histories are kept, not states: those next to each other share most of their way.
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self._world = alphabet.world()
        self._letters = alphabet.letters
        self._begin = self._world.keep()
        #: The way to where the world is: each letter, and the state after it.
        self._trail: list[tuple[int, Snapshot]] = []
        self._seen = {key(self._world)}
        self._sent: list[Breach] = []
        self._world.jd.connecting = self._connecting
        self._world.speaks = self._speaking
        self._world.heard = self._heard
        self._world.moved = self._moved
        self.found = Explored(alphabet)

    def run(self, deepest: int, seconds: float) -> Explored:
        """
        Explore until every history of `deepest` letters is told, or the time is over.
        """
        begun = time.monotonic()
        frontier: list[Path] = [b""]
        for _ in range(deepest):
            after: list[Path] = []
            for path in frontier:
                if time.monotonic() - begun > seconds:
                    self.found.is_complete = False
                    break
                after += self._beyond(path)
            self.found.states.append(len(after))
            frontier = after
            if not self.found.is_complete or not frontier:
                break
        self.found.seconds = time.monotonic() - begun
        return self.found

    def tell(self, path: Path) -> list[Breach]:
        """
        Tell one history, and return what its last letter breaks.
        """
        self._go(path[:-1])
        breaches = self._take(self._letters[path[-1]])
        return breaches or list(promises.of_state(self._world))

    def _beyond(self, path: Path) -> Iterator[Path]:
        state = self._go(path)
        idle: set[str] = set()
        for place, letter in enumerate(self._letters):
            if letter.group in idle or not letter.may(self._world):
                continue
            self._world.jd.reached = False
            breaches = self._take(letter)
            if letter.group and not self._world.jd.reached:
                idle.add(letter.group)
            further = path + bytes([place])
            known = key(self._world)
            if breaches or known not in self._seen:
                self._seen.add(known)
                breaches = breaches or list(promises.of_state(self._world))
                for breach in breaches:
                    self.found.broken.setdefault(breach, further)
                if not breaches:
                    yield further
            self._world.go_back(state)

    def _go(self, path: Path) -> Snapshot:
        """
        Bring the world to the end of a history, from where the last one parted.
        """
        pairs = zip(path, self._trail, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1][0], pairs))
        del self._trail[shared:]
        state = self._trail[-1][1] if self._trail else self._begin
        self._world.go_back(state)
        for place in path[shared:]:
            self._take(self._letters[place])
            state = self._world.keep()
            self._trail.append((place, state))
        return state

    def _take(self, letter: Letter) -> list[Breach]:
        self.found.steps += 1
        self._sent = []
        try:
            letter.do(self._world)
        except Exception as stumble:  # noqa: BLE001 (whatever it is, the history has found it)
            return [Breach(Promise.SOUND, repr(stumble))]
        return self._sent

    def _speaking(self, *told: Any) -> None:
        self._sent += promises.of_words(self._world, *told)

    def _moved(self, number: str) -> None:
        self._sent += promises.of_move(self._world, number)

    def _heard(self, *told: Any) -> None:
        self._sent += promises.of_notice(*told)

    def _connecting(self, number: str) -> None:
        self._sent += promises.of_transmission(self._world, number)


def explore(alphabet: Alphabet, deepest: int = 250, seconds: float = 3600.0) -> Explored:
    """
    Tell every history of an alphabet, up to so many letters or seconds.
    """
    return Search(alphabet).run(deepest, seconds)


def broken_by(alphabet: Alphabet, names: Sequence[str]) -> list[Breach]:
    """
    What one history breaks, given by the names of its letters.
    """
    search = Search(alphabet)
    places = {letter.name: place for place, letter in enumerate(alphabet.letters)}
    return search.tell(bytes(places[name] for name in names))

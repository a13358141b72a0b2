"""
The time of everything: it stands still until someone lets it pass.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from tests.factories import NOON


class VirtualClock:
    """
    The clock of the database, of JD and of the network; what was planned happens as it passes.
    """

    def __init__(self) -> None:
        self.now = NOON
        self._planned: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = count()

    def __call__(self) -> datetime:
        """
        What the ledger takes for its own time.
        """
        return self.now

    def seconds(self) -> float:
        """
        The same, as seconds that nobody sets.
        """
        return self.now.timestamp()

    def plan(self, after: timedelta, action: Callable[[], object]) -> None:
        """
        Have something happen later.
        """
        heapq.heappush(self._planned, (self.now + after, next(self._order), action))

    def advance(self, by: timedelta) -> None:
        """
        Let time pass.
        """
        end = self.now + by
        while self._planned and self._planned[0][0] <= end:
            at, _, action = heapq.heappop(self._planned)
            self.now = max(self.now, at)
            action()
        self.now = max(self.now, end)

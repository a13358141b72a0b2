"""
Threads that come at the same time share one commit.

Whoever comes first commits for all that have gathered; who comes meanwhile waits, and then one of
those commits for all of them. Alone, nobody waits for anybody.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from worker.payouts.errors import StoreBusy, StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Keeps several items, in the order given, in one commit; all of them or none.
Commit = Callable[[Sequence[Item]], Sequence[Result]]


class Together(Protocol):
    """
    Makes, of what keeps several items in one commit, what keeps one of them.
    """

    def __call__(self, commit: Commit[Item, Result], /) -> Callable[[Item], Result]:
        """
        Return it.
        """


def one_by_one(commit: Commit[Item, Result]) -> Callable[[Item], Result]:
    """
    Give each item a commit of its own.
    """

    def alone(item: Item) -> Result:
        (result,) = commit([item])
        return result

    return alone


class _Waiting(Generic[Item, Result]):
    """
    An item on its way into a commit.
    """

    def __init__(self, item: Item) -> None:
        self.item = item
        self.called = threading.Event()
        #: Whether it was called to commit for all, and not because it was committed.
        self.leads = False
        self.results: list[Result] = []
        self.fault: Exception | None = None


class GroupCommit(Generic[Item, Result]):
    """
    Commits together what comes together, at most so many at once.

    What a commit of several cannot do is done again, each by itself, so that the fault of one item
    is nobody else's. Calling it raises what `commit` raises for that item.
    """

    def __init__(self, commit: Commit[Item, Result], most: int = 50) -> None:
        self._commit = commit
        self._most = most
        self._lock = threading.Lock()
        self._gathered: list[_Waiting[Item, Result]] = []
        self._is_led = False

    def __call__(self, item: Item) -> Result:
        """
        Return what came of one item, once it is committed.
        """
        own: _Waiting[Item, Result] = _Waiting(item)
        with self._lock:
            self._gathered.append(own)
            own.leads, self._is_led = not self._is_led, True
        if not own.leads:
            own.called.wait()
        if own.leads:
            self._lead()
        if own.fault is not None:
            raise own.fault
        if not own.results:
            own.results.extend(self._commit([item]))
        return own.results[0]

    def _lead(self) -> None:
        """
        Commit what has gathered, one's own item first, and call the next to lead.
        """
        with self._lock:
            group = self._gathered[: self._most]
            del self._gathered[: self._most]
        try:
            self._commit_all(group)
        finally:
            with self._lock:
                following = self._gathered[0] if self._gathered else None
                self._is_led = following is not None
            for waiting in group[1:]:
                waiting.called.set()
            if following is not None:
                following.leads = True
                following.called.set()

    def _commit_all(self, group: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = self._commit([waiting.item for waiting in group])
        except Exception as fault:  # noqa: BLE001 (the border: each hears of its own faults)
            # Whose fault it is shows when each is alone; but a database that is away is away.
            if len(group) == 1 or _is_away(fault):
                for waiting in group:
                    waiting.fault = fault
        else:
            for waiting, result in zip(group, results, strict=True):
                waiting.results.append(result)


def _is_away(fault: Exception) -> bool:
    """
    Whether the database is away for everybody, and not one row of it taken.
    """
    return isinstance(fault, StoreUnavailable) and not isinstance(fault, StoreBusy)

"""
Threads that share a commit: each gets its own result, or its own fault.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from worker.payouts.errors import StoreBusy, StoreUnavailable
from worker.usecases.group_commit import GroupCommit, one_by_one

_PATIENCE = 30


class Door:
    """
    A commit that waits until a test lets it go on, and remembers what it was given.
    """

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.groups: list[list[int]] = []
        self.fails: Callable[[Sequence[int]], None] = lambda _items: None

    def __call__(self, items: Sequence[int]) -> list[str]:
        """
        Commit all of them, or none.
        """
        self.groups.append([*items])
        self.entered.release()
        assert self.open.acquire(timeout=_PATIENCE)
        self.fails(items)
        return [f"kept {item}" for item in items]


@pytest.fixture
def door() -> Door:
    """
    A commit that waits.
    """
    return Door()


def gathered(
    door: Door, commit: GroupCommit[int, str], pool: ThreadPoolExecutor, count: int
) -> list["Future[str]"]:
    """
    One item that is being committed, and so many that came meanwhile.
    """
    futures = [pool.submit(commit, 0)]
    assert door.entered.acquire(timeout=_PATIENCE)
    for item in range(1, count + 1):
        futures.append(pool.submit(commit, item))
        while len(commit._gathered) < item:
            pass
    return futures


def test_who_is_alone_waits_for_nobody(door: Door) -> None:
    """
    One item, one commit, at once.
    """
    door.open.release()

    assert GroupCommit(door)(7) == "kept 7"
    assert door.groups == [[7]]


def test_who_comes_meanwhile_shares_the_next_commit(door: Door) -> None:
    """
    Each gets what came of its own item.
    """
    commit = GroupCommit(door)
    with ThreadPoolExecutor(9) as pool:
        futures = gathered(door, commit, pool, 4)
        door.open.release(2)

        assert [f.result(_PATIENCE) for f in futures] == [f"kept {item}" for item in range(5)]
    assert door.groups == [[0], [1, 2, 3, 4]]


def test_a_group_has_its_bound(door: Door) -> None:
    """
    What does not fit waits for the commit after.
    """
    commit = GroupCommit(door, most=2)
    with ThreadPoolExecutor(9) as pool:
        futures = gathered(door, commit, pool, 3)
        door.open.release(3)

        assert [f.result(_PATIENCE) for f in futures] == [f"kept {item}" for item in range(4)]
    assert door.groups == [[0], [1, 2], [3]]


def test_the_fault_of_one_is_nobody_elses(door: Door) -> None:
    """
    What cannot be kept together is kept alone, and only the one at fault hears of it.
    """

    def fails(items: Sequence[int]) -> None:
        if 2 in items:
            raise ZeroDivisionError

    door.fails = fails
    commit = GroupCommit(door)
    with ThreadPoolExecutor(9) as pool:
        futures = gathered(door, commit, pool, 3)
        door.open.release(9)

        assert [futures[item].result(_PATIENCE) for item in (1, 3)] == ["kept 1", "kept 3"]
        with pytest.raises(ZeroDivisionError):
            futures[2].result(_PATIENCE)
    assert door.groups[:2] == [[0], [1, 2, 3]]
    assert sorted(door.groups[2:]) == [[1], [2], [3]]


def test_a_database_that_is_away_is_away_for_all(door: Door) -> None:
    """
    Nobody tries it once more by himself.
    """

    def fails(items: Sequence[int]) -> None:
        if len(items) > 1:
            raise StoreUnavailable("away")

    door.fails = fails
    commit = GroupCommit(door)
    with ThreadPoolExecutor(9) as pool:
        futures = gathered(door, commit, pool, 3)
        door.open.release(9)

        for future in futures[1:]:
            with pytest.raises(StoreUnavailable):
                future.result(_PATIENCE)
    assert door.groups == [[0], [1, 2, 3]]


def test_a_row_that_someone_holds_is_nobody_elses_fault(door: Door) -> None:
    """
    Whoever needs it hears of it; the others are kept.
    """

    def fails(items: Sequence[int]) -> None:
        if 2 in items:
            raise StoreBusy("canceling statement due to lock timeout")

    door.fails = fails
    commit = GroupCommit(door)
    with ThreadPoolExecutor(9) as pool:
        futures = gathered(door, commit, pool, 3)
        door.open.release(9)

        assert [futures[item].result(_PATIENCE) for item in (1, 3)] == ["kept 1", "kept 3"]
        with pytest.raises(StoreBusy):
            futures[2].result(_PATIENCE)


def test_after_a_fault_the_next_one_commits(door: Door) -> None:
    """
    Nobody is left who leads and is gone.
    """

    def fails(items: Sequence[int]) -> None:
        if items == [1]:
            raise ZeroDivisionError

    door.fails = fails
    door.open.release(9)
    commit = GroupCommit(door)
    with pytest.raises(ZeroDivisionError):
        commit(1)

    assert commit(2) == "kept 2"


def test_many_threads_get_what_is_theirs() -> None:
    """
    A thousand items of forty threads, each kept once.
    """
    kept: list[int] = []

    def keep(items: Sequence[int]) -> list[int]:
        kept.extend(items)
        return [-item for item in items]

    commit = GroupCommit(keep)
    with ThreadPoolExecutor(40) as pool:
        assert [*pool.map(commit, range(1000))] == [-item for item in range(1000)]
    assert sorted(kept) == [*range(1000)]


def test_one_by_one_shares_nothing() -> None:
    """
    Each item has a commit of its own.
    """
    groups: list[list[int]] = []

    def keep(items: Sequence[int]) -> Sequence[int]:
        groups.append([*items])
        return items

    alone = one_by_one(keep)

    assert [alone(1), alone(2)] == [1, 2]
    assert groups == [[1], [2]]

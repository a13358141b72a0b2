"""
Many pieces of work side by side: so many at the most, and what was taken is begun.
"""

import threading
import time

import pytest

from worker.in_flight import BATCH, InFlight
from worker.usecases.ports.dispatcher import GATHER_S
from worker.usecases.taken import Taken

_PATIENCE = 30


class Work:
    """
    Work to be taken: each piece goes on until the test lets it end.
    """

    def __init__(self, count: int) -> None:
        self.left = count
        self.asked: list[int] = []
        self.running = 0
        self.most = 0
        self.done = 0
        self.may_end = threading.Event()
        self._lock = threading.Lock()

    def take(self, most: int) -> Taken:
        """
        Hand out as many as are asked for, if there are so many.
        """
        self.asked.append(most)
        count = min(most, self.left)
        self.left -= count
        return Taken((self.do,) * count, 0.0 if self.left else None)

    def do(self) -> None:
        """
        One piece.
        """
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.may_end.wait(_PATIENCE)
        with self._lock:
            self.running -= 1
            self.done += 1


def ended(in_flight: InFlight) -> None:
    """
    Wait until everything that began has ended.
    """
    in_flight._threads.shutdown(wait=True)


def test_everything_is_begun_and_done_once() -> None:
    """
    More than there are places, in batches, and never more at once than places.
    """
    work, in_flight = Work(200), InFlight(30)
    work.may_end.set()

    assert in_flight.work_off(work.take, 600) is False
    ended(in_flight)

    assert work.done == 200
    assert work.most <= 30
    assert max(work.asked) <= 30


def test_no_more_is_taken_than_a_batch() -> None:
    """
    However many places are free.
    """
    work, in_flight = Work(120), InFlight(500)
    work.may_end.set()
    in_flight.work_off(work.take, 600)
    ended(in_flight)

    assert max(work.asked) == BATCH


def test_it_does_not_wait_for_what_has_begun() -> None:
    """
    A gateway that hangs keeps the others from nothing.
    """
    work, in_flight = Work(5), InFlight(10)

    assert in_flight.work_off(work.take, 600) is False
    assert work.done == 0

    work.may_end.set()
    ended(in_flight)
    assert work.done == 5


def test_what_comes_while_it_gathers_is_found() -> None:
    """
    Whoever was woken looks again, so that what comes a moment later needs no wake-up of its own.
    """
    seconds, in_flight, done = [0.0], InFlight(10, lambda: seconds[0]), []
    looks: list[float] = []

    def take(_most: int) -> Taken:
        looks.append(seconds[0])
        seconds[0] += GATHER_S / 4
        return Taken((lambda: done.append(1),) if len(looks) == 4 else ())

    assert in_flight.work_off(take, 600) is False
    ended(in_flight)

    assert done == [1]
    # It was found after three quarters, and then it is looked for as long once more.
    assert looks[-1] >= looks[3] + GATHER_S


def test_it_waits_for_more_no_longer_than_it_is_to_last() -> None:
    """
    At a pace of one an hour the next one is for another wake-up, and the process is not idle long.
    """
    in_flight = InFlight(10)
    began = time.monotonic()

    assert in_flight.work_off(lambda _most: Taken(more_after=3600.0), 0.2) is True
    assert time.monotonic() - began < _PATIENCE


def test_where_all_places_are_taken_nothing_more_is() -> None:
    """
    What could not begin is not claimed: it stays due.
    """
    work, in_flight = Work(50), InFlight(10)

    assert in_flight.work_off(work.take, 0.3) is True
    assert work.left == 40

    work.may_end.set()
    ended(in_flight)


def test_it_ends_after_its_time() -> None:
    """
    Where there is always more, another wake-up takes over.
    """
    seconds = iter(range(100))
    in_flight = InFlight(10, lambda: float(next(seconds)))
    asked: list[int] = []

    def endless(most: int) -> Taken:
        asked.append(most)
        return Taken((), 0.0)

    assert in_flight.work_off(endless, 5) is True
    assert len(asked) == 4  # at the seconds 1, 2, 3 and 4


def test_what_is_held_back_is_waited_for_until_told_to_stop() -> None:
    """
    A process that is to end does not wait for a pace, takes nothing more, and ends what began.
    """
    in_flight, work = InFlight(10), Work(1)
    taken = threading.Event()

    def paced(_most: int) -> Taken:
        taken.set()
        return Taken((work.do,), 3600.0)

    result: list[bool] = []
    drain = threading.Thread(target=lambda: result.append(in_flight.work_off(paced, 600)))
    drain.start()
    assert taken.wait(_PATIENCE)
    in_flight.stop()
    drain.join(_PATIENCE)

    assert result == [True]
    assert in_flight.work_off(paced, 600) is True
    work.may_end.set()
    ended(in_flight)
    assert work.done == 1


def test_a_fault_ends_its_own_piece_alone(caplog: pytest.LogCaptureFixture) -> None:
    """
    It is logged, its place is free again, and the others are done.
    """
    in_flight = InFlight(1)
    done: list[int] = []

    def fails() -> None:
        raise ZeroDivisionError

    works = [fails, lambda: done.append(1)]
    in_flight.work_off(lambda _most: Taken((works.pop(0),) if works else ()), 600)
    ended(in_flight)

    assert done == [1]
    assert "left to the sweep" in caplog.text


def test_who_rests_waits_for_all_that_began() -> None:
    """
    Not before the last piece has ended, and not at all where nothing began.
    """
    in_flight, work = InFlight(10), Work(3)
    in_flight.rest()
    in_flight.work_off(work.take, 600)
    rested = threading.Thread(target=in_flight.rest)
    rested.start()
    rested.join(0.2)
    assert rested.is_alive()

    work.may_end.set()
    rested.join(_PATIENCE)
    assert (rested.is_alive(), work.done) == (False, 3)
    ended(in_flight)


def test_the_longest_is_told() -> None:
    """
    How long the oldest has been in flight; nothing once all have ended.
    """
    seconds = [0.0]
    in_flight, work = InFlight(10, lambda: seconds[0]), Work(1)
    assert in_flight.longest() == 0

    def take(most: int) -> Taken:
        taken = work.take(most)
        seconds[0] += 1.0
        return taken

    in_flight.work_off(take, 600)  # it begins at the first second
    seconds[0] = 43.0

    assert in_flight.longest() == 42
    work.may_end.set()
    ended(in_flight)
    assert in_flight.longest() == 0

"""
Nobody waits for the broker who is to be answered, and no wake-up is lost by that.
"""

import threading

from tests.waiting import until
from worker.broker.background import BackgroundDispatcher


class Slow:
    """
    Wakes for as long as the test wants, and counts.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.asked = 0
        self.go_on = threading.Semaphore(0)

    def wake_sender(self) -> None:
        """
        Begin, and wait to be let go.
        """
        self.begun += 1
        assert self.go_on.acquire(timeout=30)

    def wake_querier(self) -> None:
        """
        Be done at once.
        """
        self.asked += 1


def test_whoever_wakes_goes_on() -> None:
    """
    Though the wake-up itself takes its time.
    """
    slow = Slow()

    BackgroundDispatcher(slow).wake_sender()

    until(lambda: slow.begun == 1, 30)
    slow.go_on.release()


def test_what_comes_meanwhile_is_told_once_afterwards() -> None:
    """
    A wake-up that has begun may not tell of it; of those that wait, one is enough.
    """
    slow = Slow()
    dispatcher = BackgroundDispatcher(slow)
    dispatcher.wake_sender()
    until(lambda: slow.begun == 1, 30)

    for _ in range(9):
        dispatcher.wake_sender()
    dispatcher.wake_querier()
    slow.go_on.release(2)

    until(lambda: slow.asked == 1, 30)
    assert slow.begun == 2


def test_the_next_wake_up_is_one_again() -> None:
    """
    After the last one has ended.
    """
    slow = Slow()
    dispatcher = BackgroundDispatcher(slow)
    for turn in (1, 2, 3):
        dispatcher.wake_querier()
        until(lambda turn=turn: slow.asked == turn, 30)  # type: ignore[misc]
    assert slow.begun == 0

"""
Work that stands still ends its process.
"""

import subprocess
import sys

import pytest

from tasks.watchdog import STANDS_STILL, Running


class Hours:
    """
    A clock that a test moves, and what ended at it.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ended: list[int] = []

    def __call__(self) -> float:
        """
        The seconds so far.
        """
        return self.seconds


def test_a_task_that_takes_too_long_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    """
    Not at its limit, and once beyond it, whatever else has ended or just begun.
    """
    clock = Hours()
    running = Running(180, lambda: 0.0, clock, clock.ended.append)
    for task in ("slow", "done"):
        running.begin(task)
    clock.seconds = 180
    running.finish("done")
    running.look()
    assert clock.ended == []

    running.begin("new")
    clock.seconds = 180.5
    running.look()

    assert clock.ended == [STANDS_STILL]
    assert "work stands still for more than 180 s" in caplog.text


def test_a_request_that_takes_too_long_ends_the_process() -> None:
    """
    It is in flight beside the task that claimed it, which is over long since.
    """
    clock, in_flight = Hours(), [180.0]
    running = Running(180, lambda: in_flight[0], clock, clock.ended.append)
    running.look()
    assert clock.ended == []

    in_flight[0] = 180.5
    running.look()

    assert clock.ended == [STANDS_STILL]


def test_tasks_that_end_are_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """
    However many there were, and also if one ends that was never seen to begin.
    """
    clock = Hours()
    running = Running(180, lambda: 0.0, clock, clock.ended.append)
    for number in range(1000):
        running.begin(str(number))
        running.finish(str(number))
    running.finish("unknown")
    clock.seconds = 1e6
    running.look()

    assert (clock.ended, caplog.text) == ([], "")


def test_a_whole_process_ends_though_a_thread_of_it_hangs() -> None:
    """
    A thread that waits for ever, as no time limit of Celery's could end it, goes with it.
    """
    program = (
        "import threading\n"
        "from tasks.watchdog import Running\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "clock = iter([0.0, 181.0])\n"
        "running = Running(180, lambda: 0.0, lambda: next(clock))\n"
        "running.begin('hangs')\n"
        "running.look()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)

    assert ended.returncode == STANDS_STILL

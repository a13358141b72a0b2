"""
The demo's table, and what it says of a job that no worker has taken yet.
"""

import pytest
from rich.console import Console

from tests.doubles.ledger import MemoryLedger
from tests.factories import MERCHANT, NOON
from worker.demo.screen import table
from worker.demo.story import Result, cast, results

NUMBERS = [f"{'N' * 31}{last}" for last in "0123"]


def drawn(results: list[Result], width: int) -> list[str]:
    """
    The lines of the demo's table in a window of that width.
    """
    console = Console(width=width, color_system=None)
    with console.capture() as printed:
        console.print(table(results))
    return [line.rstrip() for line in printed.get().splitlines()]


@pytest.mark.parametrize("width", [110, 80, 60])
def test_numbers_and_ends_are_whole_in_every_window(width: int) -> None:
    """
    What a payout became is never cut, nor is its number.
    """
    told = [
        Result(number, "bad_reply_signature", "returned", "processing", None, None, "notification")
        for number in NUMBERS
    ]

    lines = drawn(told, width)

    assert max(map(len, lines)) <= width
    for number in NUMBERS:
        (line,) = [line for line in lines if number in line.split()]
        assert "processing" in line


def test_a_wide_window_shows_every_column() -> None:
    """
    At the width of a log, all five have room beside the demo's own numbers.
    """
    told = [Result("DEMO0123ABCD0001", "paid_later", "paid", "paid", None, None, "query")]

    heading, row = drawn(told, 110)

    assert heading.split("  ")[0] == "scenario"
    assert row.split() == ["paid_later", "DEMO0123ABCD0001", "paid", "paid", "query"]


def test_a_job_that_no_worker_has_taken_is_waiting() -> None:
    """
    It was not refused: nobody has looked at it yet.
    """
    found = results(MemoryLedger(lambda: NOON), MERCHANT, cast())

    assert {result.status for result in found} == {"waiting"}

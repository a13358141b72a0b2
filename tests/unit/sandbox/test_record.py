"""
Books that were made again from what was transmitted.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.sandbox.orders import order
from tests.unit.sandbox.test_books import ACCOUNT, FEE, OPENING, Clock
from worker.sandbox.behaviour import Timing
from worker.sandbox.books import Books
from worker.sandbox.record import Record

NUMBERS = ("RECORDED01", "RECORDED02", "RECORDED03", "RECORDED04")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """
    Where the record is.
    """
    return tmp_path / "record.jsonl"


def opened(path: Path, clock: Clock) -> Books:
    """
    The books of a sandbox that has just started.
    """
    timing = Timing(pay_after=timedelta(seconds=2), return_after=timedelta(seconds=4))
    return Books(timing, opening_fen=OPENING, fee_fen=FEE, record=Record(path), clock=clock)


def filled(path: Path, clock: Clock) -> Books:
    """
    Books with a return before the last payout, one that went out twice, and one that was lost.
    """
    books = opened(path, clock)
    names = ("returned_notified", "lost_reply", "lost_request")
    for number, name in zip(NUMBERS, names, strict=False):
        books.transmit(order(out_trade_no=number, payee_account_no=ACCOUNT[name]))
        clock.turn(1)
    books.transmit(order(out_trade_no=NUMBERS[1], payee_account_no=ACCOUNT["lost_reply"]))
    clock.turn(10)
    books.transmit(order(out_trade_no=NUMBERS[3]))
    return books


def test_the_books_are_the_same_after_a_restart(path: Path) -> None:
    """
    Numbers of JD's, money, times and duplicates: all that a report tells, days later as well.
    """
    clock = Clock()
    books = filled(path, clock)

    again = opened(path, clock)

    assert again.report() == books.report()
    clock.turn(86_400)
    assert again.report() == books.report()
    assert again.find(NUMBERS[0]).step == books.find(NUMBERS[0]).step


def test_time_that_passed_meanwhile_has_passed(path: Path) -> None:
    """
    What was on its way when the sandbox ended is paid when it starts again.
    """
    clock = Clock()
    opened(path, clock).transmit(order(out_trade_no=NUMBERS[0]))
    clock.turn(3600)

    found = opened(path, clock).query(NUMBERS[0], None)

    assert found is not None
    assert found.step is not None
    assert (found.step.status, found.step.at) == ("FINI", clock.now - timedelta(seconds=3598))


def test_a_number_is_booked_once_over_restarts(path: Path) -> None:
    """
    Sent again to the sandbox that came back, it is a duplicate.
    """
    clock = Clock()
    opened(path, clock).transmit(order(out_trade_no=NUMBERS[0]))

    again = opened(path, clock)

    assert again.transmit(order(out_trade_no=NUMBERS[0])).is_duplicate
    assert again.report()["debits"] == 1


def test_half_a_line_is_forgotten(path: Path) -> None:
    """
    A sandbox that was killed while it wrote had not answered; what comes next has its own line.
    """
    clock = Clock()
    opened(path, clock).transmit(order(out_trade_no=NUMBERS[0]))
    with path.open("ab") as file:
        file.write(b'{"at": "2024-01-05T01:3')

    opened(path, clock).transmit(order(out_trade_no=NUMBERS[1]))
    found = opened(path, clock).report()["orders"]

    assert isinstance(found, list)
    assert [one["out_trade_no"] for one in found] == list(NUMBERS[:2])


def test_nobody_else_may_read_it(path: Path) -> None:
    """
    It holds payees.
    """
    filled(path, Clock())

    assert path.stat().st_mode & 0o777 == 0o600

"""
The books, under a clock that tests turn.
"""

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.sandbox.orders import order
from worker.sandbox.behaviour import Timing
from worker.sandbox.books import Books
from worker.sandbox.scenarios import SCENARIOS

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}
OPENING = 1_000_000
FEE = 100


@dataclass
class Clock:
    """
    A clock that stands still until it is turned.
    """

    now: datetime = field(default_factory=lambda: datetime(2024, 1, 5, 1, 30, tzinfo=UTC))

    def __call__(self) -> datetime:
        """
        What it shows.
        """
        return self.now

    def turn(self, seconds: float) -> None:
        """
        Let time pass.
        """
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """
    The books' clock.
    """
    return Clock()


@pytest.fixture
def books(clock: Clock) -> Books:
    """
    Empty books: paid after two seconds, returned four later.
    """
    timing = Timing(pay_after=timedelta(seconds=2), return_after=timedelta(seconds=4))
    return Books(timing, opening_fen=OPENING, fee_fen=FEE, clock=clock)


def changes(books: Books) -> list[tuple[str, int]]:
    """
    The journal, without its times.
    """
    journal = books.report()["journal"]
    assert isinstance(journal, list)
    return [(entry["kind"], entry["change_fen"]) for entry in journal]


@pytest.mark.parametrize(
    ("name", "expected", "journal"),
    [
        (
            "paid_later",
            {0: "WPAR", 1.9: "WPAR", 2: "FINI", 9: "FINI"},
            [("debit", -12345), ("fee", -100)],
        ),
        ("paid_at_once", {0: "FINI", 9: "FINI"}, [("debit", -12345), ("fee", -100)]),
        (
            "closed_later",
            {0: "WPAR", 2: "CLOS", 9: "CLOS"},
            [("debit", -12345), ("fee", -100), ("closed", 12345), ("fee_back", 100)],
        ),
        (
            "returned_notified",
            {0: "WPAR", 2: "FINI", 5.9: "FINI", 6: "REFU"},
            [("debit", -12345), ("fee", -100), ("returned", 12345)],
        ),
        (
            "partial_return",
            {0: "WPAR", 2: "FINI", 6: "REFU"},
            [("debit", -12345), ("fee", -100), ("returned", 6172)],
        ),
    ],
)
def test_money_follows_the_course(
    books: Books,
    clock: Clock,
    name: str,
    expected: dict[float, str],
    journal: list[tuple[str, int]],
) -> None:
    """
    An order takes its statuses in time, and the journal holds just what they cost.
    """
    books.transmit(order(payee_account_no=ACCOUNT[name]))
    start, seen = clock.now, {}
    for after in expected:
        clock.now = start + timedelta(seconds=after)
        step = books.find("PAYOUT20240105000001").step
        seen[after] = step and step.status.value

    assert seen == expected
    assert changes(books) == journal
    assert books.balance_fen() == OPENING + sum(change for _, change in journal)


def test_steps_are_posted_at_their_own_time(books: Books, clock: Clock) -> None:
    """
    Books that are opened late still say when the money moved.
    """
    books.transmit(order(payee_account_no=ACCOUNT["returned_silent"]))
    clock.turn(3600)
    journal = books.report()["journal"]
    assert isinstance(journal, list)

    assert journal[-1]["at"] == "2024-01-05T01:30:06+00:00"


def test_a_number_is_booked_once(books: Books) -> None:
    """
    A number that comes again is refused, named with its original trade, and costs nothing.
    """
    first = books.transmit(order())
    again = books.transmit(order(request_datetime="20240105T093100"))
    report = books.report()

    assert (first.is_duplicate, again.is_duplicate) == (False, True)
    assert again.order.trade_no == first.order.trade_no
    assert again.notices == ()
    assert (report["debits"], report["refused_duplicates"]) == (1, 1)
    assert (report["duplicates"], report["conflicting"]) == (0, 0)


def test_a_number_with_other_content(books: Books) -> None:
    """
    A number that comes again with another amount is refused, counted, and changes nothing.
    """
    books.transmit(order())
    again = books.transmit(order(trade_amount="99"))
    report = books.report()

    assert again.is_duplicate
    assert again.order.amount_fen == 12345
    assert (report["refused_duplicates"], report["conflicting"]) == (1, 1)


@pytest.mark.parametrize("name", ["lost_request", "garbage_unbooked"])
def test_missed_once(books: Books, name: str) -> None:
    """
    What is not booked the first time is booked the second time, as one trade.
    """
    request = order(payee_account_no=ACCOUNT[name])
    first, second = books.transmit(request), books.transmit(request)

    assert first.order.step is None
    assert second.order.step is not None
    assert not second.is_duplicate
    assert books.report()["debits"] == 1


@pytest.mark.parametrize("name", ["refused_card", "refused_request", "no_result"])
def test_never_booked(books: Books, clock: Clock, name: str) -> None:
    """
    Some orders cost nothing however often they come.
    """
    for _ in range(3):
        books.transmit(order(payee_account_no=ACCOUNT[name]))
        clock.turn(60)

    assert books.report()["debits"] == 0
    assert books.balance_fen() == OPENING


def test_queries_find_by_both_numbers(books: Books) -> None:
    """
    A trade is found by the merchant's number and by JD's, and both are counted.
    """
    trade_no = books.transmit(order()).order.trade_no
    found = books.query("PAYOUT20240105000001", None)
    found_again = books.query(None, trade_no)

    assert found is not None
    assert found_again is not None
    assert (found.queries, found_again.queries) == (1, 2)
    assert books.query("PAYOUT20240105000002", None) is None
    assert books.query(None, "20240105100042999999999999") is None


def test_many_threads_book_once(books: Books) -> None:
    """
    Threads that send the same numbers at the same time cause one debit each.
    """
    barrier = threading.Barrier(8)

    def send() -> None:
        barrier.wait()
        for n in range(50):
            books.transmit(order(out_trade_no=f"PAYOUT{n:08}", trade_amount="7"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = books.report()

    assert (report["debits"], report["duplicates"], report["refused_duplicates"]) == (50, 0, 350)
    assert report["balance_fen"] == OPENING - 50 * (7 + FEE)


def test_the_report_names_no_payee(books: Books) -> None:
    """
    Neither the report nor an order's own description holds payee data.
    """
    request = order(payee_account_no=ACCOUNT["partial_return"])
    taken = books.transmit(request)
    shown = json.dumps(books.report()) + repr(taken)

    assert "partial_return" in shown
    # The description of a scenario holds the number that the sandbox itself made up for it.
    assert ACCOUNT["partial_return"] not in json.dumps(books.report())
    assert "张三" not in shown

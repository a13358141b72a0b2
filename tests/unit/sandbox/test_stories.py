"""
Stories in the books, under a clock that tests turn: money follows what was told.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.sandbox.orders import order
from tests.unit.sandbox.test_books import FEE, OPENING, Clock, changes
from worker.sandbox.behaviour import Notice, Timing
from worker.sandbox.books import Books, Receipt
from worker.sandbox.scenarios import SCENARIOS
from worker.sandbox.script_file import read_script

NUMBER = "PAYOUT20240105000001"
ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}
WPAR = {"trade_status": "WPAR"}


@pytest.fixture
def clock() -> Clock:
    """
    The books' clock.
    """
    return Clock()


def books(clock: Clock, *stories: dict[str, Any]) -> Books:
    """
    Empty books with stories; a story that names nobody is the good order's.
    """
    whole = [
        {"name": f"s{n}"}
        | ({} if "payee_account_no" in story else {"out_trade_no": NUMBER})
        | story
        for n, story in enumerate(stories)
    ]
    return Books(
        Timing(),
        opening_fen=OPENING,
        fee_fen=FEE,
        script=read_script(json.dumps({"stories": whole})),
        clock=clock,
    )


def status(found: Books) -> str | None:
    """
    The status of the good order's trade.
    """
    step = found.find(NUMBER).step
    return step.status.value if step else None


def asked(found: Books) -> str | None:
    """
    What its story answers to a query now.
    """
    trade = found.query(NUMBER, None)
    assert trade is not None
    said = trade.said_to_query
    return None if said is None else said.trade_status or said.response_code


def planned(receipt: Receipt) -> list[tuple[str, timedelta]]:
    """
    What is to be notified, and how long after the order came.
    """

    def told(notice: Notice) -> tuple[str, timedelta]:
        return notice.step.status.value, notice.at - receipt.order.received_at

    return [told(notice) for notice in receipt.notices]


def test_closed_then_paid(clock: Clock) -> None:
    """
    A close that a query told is taken back by a success a day later: money first back, then gone.
    """
    found = books(
        clock,
        {
            "queries": [{"trade_status": "CLOS"}, {"trade_status": "FINI", "after": "1d"}],
            "notifications": [{"at": "1d", "trade_status": "FINI"}],
        },
    )
    receipt = found.transmit(order())

    assert planned(receipt) == [("FINI", timedelta(days=1))]
    assert [asked(found), asked(found)] == ["CLOS", "CLOS"]
    assert found.balance_fen() == OPENING
    clock.turn(86_399)
    assert (status(found), asked(found)) == ("CLOS", "CLOS")
    clock.turn(1)
    assert status(found) == "FINI"
    assert found.balance_fen() == OPENING - 12345 - FEE
    assert [asked(found), asked(found)] == ["FINI", "FINI"]
    assert changes(found) == [
        ("debit", -12345),
        ("fee", -FEE),
        ("closed", 12345),
        ("fee_back", FEE),
        ("corrected", -12345),
        ("corrected", -FEE),
    ]
    assert found.report()["duplicates"] == 0


def test_a_return_that_shrinks(clock: Clock) -> None:
    """
    A return of 9000 that a query makes one of 3000 leaves 3000 on the account.
    """
    found = books(
        clock,
        {
            "queries": [{"trade_status": "REFU", "refund_amount": 3000}],
            "notifications": [{"at": "2s", "trade_status": "REFU", "refund_amount": 9000}],
        },
    )
    found.transmit(order())
    clock.turn(2)

    assert status(found) == "REFU"
    assert found.balance_fen() == OPENING - 12345 - FEE + 9000
    assert asked(found) == "REFU"
    assert found.balance_fen() == OPENING - 12345 - FEE + 3000
    assert changes(found)[2:] == [("returned", 9000), ("corrected", -6000)]


@pytest.mark.parametrize(
    ("refund", "back"),
    [({}, 12345), ({"refund_amount": 0}, 0), ({"refund_amount": 99_999}, 12345)],
)
def test_what_a_return_brings(clock: Clock, refund: dict[str, int], back: int) -> None:
    """
    A return without an amount is a whole one, and none brings more than was paid.
    """
    found = books(clock, {"queries": [{"trade_status": "REFU", **refund}]})
    found.transmit(order())
    asked(found)

    assert found.balance_fen() == OPENING - 12345 - FEE + back


@pytest.mark.parametrize(
    "untrue",
    [
        {"signature": "bad"},
        {"signature": "none"},
        {"http_status": 500},
    ],
)
def test_what_nobody_can_believe_moves_nothing(clock: Clock, untrue: dict[str, Any]) -> None:
    """
    The books follow JD's word, not what cannot be verified.
    """
    found = books(clock, {"queries": [{"trade_status": "CLOS", **untrue}]})
    found.transmit(order())

    assert asked(found) == "CLOS"
    assert status(found) == "WPAR"


def test_a_forged_notification_moves_nothing(clock: Clock) -> None:
    """
    What is notified under a bad signature is sent, and the books do not follow it.
    """
    forged = {"at": "1s", "trade_status": "CLOS", "signature": "bad"}
    found = books(clock, {"notifications": [forged]})
    receipt = found.transmit(order())
    clock.turn(1)

    assert planned(receipt) == [("CLOS", timedelta(seconds=1))]
    assert status(found) == "WPAR"


def test_what_is_told_again_happened_once(clock: Clock) -> None:
    """
    A status that is told again was reached when it was told first.
    """
    found = books(clock, {"queries": [{"trade_status": "FINI"}]})
    found.transmit(order())
    asked(found)
    first = found.find(NUMBER)
    clock.turn(60)
    asked(found)

    assert found.find(NUMBER).step == first.step
    assert found.find(NUMBER).decided_at == first.decided_at == clock.now - timedelta(seconds=60)


def test_nothing_happens_by_itself(clock: Clock) -> None:
    """
    A story without notifications tells nobody, and its trade waits forever.
    """
    found = books(clock, {"submits": [WPAR]})
    receipt = found.transmit(order(payee_account_no=ACCOUNT["returned_notified"]))
    clock.turn(1_000_000)

    assert receipt.notices == []
    assert (status(found), asked(found)) == ("WPAR", None)
    assert changes(found) == [("debit", -12345), ("fee", -FEE)]


def test_submits_in_turn(clock: Clock) -> None:
    """
    The first is lost unbooked, the second refused unbooked, the third one takes the money.
    """
    found = books(
        clock,
        {
            "submits": [
                {"connection": "cut"},
                {"response_code": "ILLEGAL_ARGUMENT"},
                {"response_code": "SYSTEM_ERROR", "books": True},
            ],
        },
    )
    seen = []
    for _ in range(5):
        receipt = found.transmit(order())
        said = receipt.order.said_to_submit
        seen.append((said is not None, status(found), receipt.is_duplicate))

    assert seen == [
        (True, None, False),
        (True, None, False),
        (True, "WPAR", False),
        (False, "WPAR", True),
        (False, "WPAR", True),
    ]
    assert found.report()["debits"] == 1


def test_a_story_of_an_unbooked_order(clock: Clock) -> None:
    """
    What is notified before the order is booked moves no money, and is planned only once.
    """
    found = books(
        clock,
        {
            "submits": [{"http_status": 502}, WPAR],
            "notifications": [{"at": "1s", "trade_status": "CLOS"}],
        },
    )
    first = found.transmit(order())
    clock.turn(1)

    assert status(found) is None
    assert len(first.notices) == 1
    assert found.transmit(order()).notices == []
    assert (status(found), found.balance_fen()) == ("WPAR", OPENING - 12345 - FEE)


def test_an_accounts_story_is_each_numbers(clock: Clock) -> None:
    """
    Each number that pays the account has the story from its beginning; others go their way.
    """
    account = ACCOUNT["refused_card"]
    found = books(clock, {"payee_account_no": account, "queries": [WPAR, {"trade_status": "FINI"}]})
    told = []
    for number in ("P1", "P2"):
        found.transmit(order(out_trade_no=number, payee_account_no=account))
        for _ in range(2):
            trade = found.query(number, None)
            assert trade is not None
            assert trade.said_to_query is not None
            told.append(trade.said_to_query.trade_status)
    found.transmit(order(out_trade_no="P3", payee_account_no=ACCOUNT["paid_at_once"]))

    assert told == ["WPAR", "FINI", "WPAR", "FINI"]
    step = found.find("P3").step
    assert step is not None
    assert step.status == "FINI"


def test_the_report_names_the_story(clock: Clock) -> None:
    """
    The books say which orders follow a story instead of a scenario.
    """
    found = books(clock, {"queries": [WPAR]})
    found.transmit(order())
    found.transmit(order(out_trade_no="OTHER"))
    rows = found.report()["orders"]
    assert isinstance(rows, list)

    assert [(row["scenario"], row["story"]) for row in rows] == [(None, "s0"), ("paid_later", None)]

"""
Scripts as people write them, and what they are told when one is wrong.
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from worker.sandbox.script import Script, schema
from worker.sandbox.script_file import ScriptError, read_script
from worker.sandbox.trade import Status


def one(**story: Any) -> str:
    """
    A script of one story about one number.
    """
    return json.dumps({"stories": [{"name": "late", "out_trade_no": "P1", **story}]})


def read(**story: Any) -> Script:
    """
    That script, read.
    """
    return read_script(one(**story))


def faults(text: str) -> tuple[str, ...]:
    """
    What is said to be wrong with a script.
    """
    with pytest.raises(ScriptError) as wrong:
        read_script(text)
    return wrong.value.faults


WPAR = {"trade_status": "WPAR"}
FINI = {"trade_status": "FINI"}


def test_a_whole_story() -> None:
    """
    Everything that a story may say is read as it was written.
    """
    story = read(
        submits=[
            {"connection": "cut", "delay": "0.3s"},
            {"http_status": 502, "body": "<html>"},
            {"response_code": "SYSTEM_ERROR", "books": True},
            {"trade_status": "WPAR", "trade_no": "2", "trade_amount": 1, "trade_currency": "USD"},
        ],
        queries=[
            {"response_code": "TRADE_NOT_EXIST", "signature": "none"},
            {"trade_status": "CLOS", "trade_respcode": "BAC2000006", "after": "1d"},
            {"fields": {"trade_status": "DONE", "pay_currency": None}, "after": "2d"},
        ],
        notifications=[
            {"at": "3m", "trade_status": "REFU", "refund_amount": 9000},
            {"at": "2h", "trade_status": "FINI", "without": ["trade_currency"]},
            {"at": "0s", "without": ["trade_status"], "signature": "bad"},
        ],
    ).stories[0]

    assert story.submits[0].delay == timedelta(milliseconds=300)
    assert story.queries[1].after == timedelta(days=1)
    assert [n.at for n in story.notifications] == [
        timedelta(minutes=3),
        timedelta(hours=2),
        timedelta(0),
    ]
    assert [n.counts for n in story.notifications] == [True, True, False]
    assert story.queries[1].trade_status is Status.CLOS
    assert story.booking == 3


@pytest.mark.parametrize(
    ("submits", "booking"),
    [
        ([WPAR], 1),
        ([{"trade_status": "CLOS"}], 1),
        ([{"connection": "cut"}, WPAR, WPAR], 2),
        ([{"response_code": "SYSTEM_ERROR"}], None),
        ([{"response_code": "OUT_TRADE_NO_EXIST", **WPAR}], None),
        ([{"http_status": 502}], None),
        ([{"connection": "held", "books": True}], 1),
        # Accepted in words only, as an order that never reaches JD's database.
        ([{**WPAR, "books": False}], None),
        ([WPAR, {**WPAR, "books": True}], 2),
    ],
)
def test_what_takes_the_money(submits: list[dict[str, Any]], booking: int | None) -> None:
    """
    The submit that says so takes the money; without a word, the first that is accepted.
    """
    assert read(submits=submits).stories[0].booking == booking


def test_further_submits_are_as_usual() -> None:
    """
    A transmission that the story does not tell of is booked, if none before it was.
    """
    story = read(submits=[{"connection": "cut"}]).stories[0]

    assert (story.submit(1), story.submit(2)) == (story.submits[0], None)
    assert (story.books(1), story.books(2)) == (False, True)


def test_the_order_of_queries() -> None:
    """
    Each query has the next answer once its time has come, and the last one forever.
    """
    story = read(queries=[{**WPAR, "after": "1m"}, {**FINI, "after": "2m"}]).stories[0]

    def place(now: int, minutes: float) -> int:
        return story.next_query(now, timedelta(minutes=minutes))

    assert [place(0, 0.9), place(0, 1), place(1, 1.9), place(1, 2), place(2, 99)] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_number_goes_before_its_account(turn: int) -> None:
    """
    A number's own story is told even if its account has one.
    """
    script = read_script(
        json.dumps(
            {
                "$schema": "script.schema.json",
                "stories": [
                    {"name": "account", "payee_account_no": "6200", "queries": [WPAR]},
                    {"name": "number", "out_trade_no": "P1", "queries": [WPAR]},
                ][::turn],
            }
        )
    )
    stories = [script.story_of(*who) for who in (("P1", "6200"), ("P2", "6200"), ("P2", "6201"))]

    assert [story and story.name for story in stories] == ["number", "account", None]


@pytest.mark.parametrize(
    ("story", "fault"),
    [
        (
            {"queries": [WPAR, {"trade_status": "FINNI"}]},
            (
                "story 'late', query 2, trade_status: there is no such word; did you mean FINI? "
                "Allowed: ACSU, BUID, CLOS, FINI, REFU, WPAR"
            ),
        ),
        (
            {"queries": [{"trade_stats": "FINI"}]},
            (
                "story 'late', query 1, trade_stats: there is no such key; did you mean "
                "trade_status? Allowed: after, body, connection, delay, fields, "
            ),
        ),
        ({"querys": []}, "story 'late', querys: there is no such key; did you mean queries? "),
        ({"queries": [{**WPAR, "books": True}]}, "story 'late', query 1, books: there is no such"),
        (
            {"queries": [{"connection": "cutt"}]},
            "query 1, connection: there is no such word; did you mean ",
        ),
        (
            {"queries": [{**FINI, "without": ["trade_curency"]}]},
            (
                "story 'late', query 1: without: 'trade_curency' is no field; "
                "did you mean trade_currency? Allowed: "
            ),
        ),
        ({"queries": [{**FINI, "without": ["sign_data"]}]}, '"signature": "none"'),
        ({"queries": [{**FINI, "fields": {"sign_data": "x"}}]}, "chosen by `signature`"),
        ({"queries": [{**FINI, "fields": {"trade_status": "x"}}]}, "trade_status is given twice"),
        ({"queries": [{**FINI, "without": ["trade_status"]}]}, "trade_status is given twice"),
        ({"queries": [{**FINI, "refund_amount": 1}]}, "refund_amount goes with trade_status REFU"),
        ({"queries": [{**FINI, "trade_amount": "1"}]}, "trade_amount: Input should be a valid int"),
        ({"queries": [{**FINI, "trade_amount": 1.0}]}, "trade_amount: Input should be a valid int"),
        ({"queries": [{**FINI, "after": "1 day"}]}, "query 1, after: write a number and a unit"),
        ({"queries": [{**FINI, "after": 5}]}, "query 1, after: write a number and a unit"),
        ({"queries": [{**FINI, "delay": "2h"}]}, "delay: at most 1h"),
        ({"queries": [{**FINI, "after": "4000d"}]}, "at most 3650d"),
        ({"queries": [{}]}, "query 1: nothing is said: give trade_status or response_code"),
        ({"queries": [{"signature": "bad"}]}, "query 1: nothing is said"),
        ({"queries": [{"http_status": 502, "without": ["trade_no"]}]}, "nothing is said"),
        ({"queries": [{"connection": "cut", **FINI}]}, "without an answer goes without trade_sta"),
        ({"queries": [{"connection": "cut", "http_status": 500}]}, "goes without http_status"),
        ({"queries": [{"connection": "held", "delay": "1s"}]}, "needs no delay"),
        ({"queries": [{"body": "x", **FINI}]}, "a body goes without trade_status"),
        ({"queries": [{"http_status": 100}]}, "http_status: Input should be greater"),
        ({"queries": []}, "queries: an empty list answers nothing"),
        ({"queries": [{**FINI, "after": "2m"}, WPAR]}, "`after` must not fall"),
        ({"notifications": [FINI]}, "story 'late', notification 1, at: it is missing"),
        ({"notifications": [{"at": "1s"}]}, "notification 1: a notification has a trade_status"),
        (
            {"notifications": [{"at": "1s", **FINI, "fields": {"bank_code": None}}]},
            "a notification has no null",
        ),
        ({"notifications": [{"at": "1s", **FINI, "delay": "1s"}]}, "delay: there is no such key"),
        ({"submits": [{**WPAR, "books": True}] * 2}, "a number takes the money once"),
        (
            {"submits": [{"connection": "cut"}], "queries": [WPAR, FINI]},
            "story 'late': query 2 says FINI, but no submit takes the money: write \"books\": true",
        ),
        (
            {
                "submits": [{**WPAR, "books": False}],
                "notifications": [{"at": "1s", "trade_status": "REFU"}],
            },
            "notification 1 says REFU, but no submit takes the money",
        ),
        ({"submits": [{"response_code": "X", **FINI}]}, "submit 1 says FINI, but no submit takes"),
        ({}, "story 'late': nothing is told"),
        ({"payee_account_no": "62", "queries": [FINI]}, "give one of out_trade_no and payee_acc"),
        ({"out_trade_no": None, "queries": [FINI]}, "give one of out_trade_no and payee_account"),
        ({"out_trade_no": "P 1", "queries": [FINI]}, "out_trade_no: String should match pattern"),
    ],
)
def test_what_is_wrong(story: dict[str, Any], fault: str) -> None:
    """
    A fault names its story and its place in it, and says what is allowed there.
    """
    (found,) = faults(one(**story))

    assert found.startswith("story 'late'")
    assert fault in found


@pytest.mark.parametrize(
    ("submits", "said"),
    [
        # A closed trade costs nothing, booked or not.
        ([{"connection": "cut"}], "CLOS"),
        ([{**WPAR, "books": False}], "WPAR"),
    ],
)
def test_what_needs_no_money(submits: list[dict[str, Any]], said: str) -> None:
    """
    A trade that was never booked may be told to wait or to be closed.
    """
    assert read(submits=submits, queries=[{"trade_status": said}])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"stories": [', "line 1, column 14: this is not JSON: "),
        ("[" * 100_000, "this is nested too deeply"),
        ("9" * 5000, "a number has too many digits"),
        ("[]", "Input should be an object"),
        ('{"storys": []}', "storys: there is no such key; did you mean stories? Allowed: $schema,"),
        ('{"stories": [], "stories": []}', "'stories' is given twice in one object"),
        ('{"stories": [{"out_trade_no": "P1", "queries": [{}]}]}', "story 1, name: it is missing"),
    ],
)
def test_what_is_no_script(text: str, fault: str) -> None:
    """
    A file that is no script is refused, with the place where there is one.
    """
    assert any(fault in found for found in faults(text))


@pytest.mark.parametrize("key", ["name", "out_trade_no"])
def test_two_of_the_same(key: str) -> None:
    """
    No two stories share a name or a number.
    """
    stories = [
        {"name": f"n{i}", "out_trade_no": f"P{i}", "queries": [WPAR], key: "same"} for i in range(2)
    ]

    assert faults(json.dumps({"stories": stories})) == (f"two stories have the same {key}",)


def test_all_faults_at_once() -> None:
    """
    Every fault is named, not the first alone.
    """
    found = faults(one(queries=[{"trade_status": "X"}, {"trade_stat": "FINI"}], name=""))

    assert len(found) >= 3


def test_no_value_is_repeated() -> None:
    """
    What is wrong is said without the payee's account.
    """
    wrong = {"name": "x", "payee_account_no": "6222 0202", "queries": [WPAR]}

    assert "6222" not in " ".join(faults(json.dumps({"stories": [wrong]})))


def test_the_schema() -> None:
    """
    The schema knows the keys of each part, refuses others, and lists the words.
    """
    document = schema()
    parts = document["$defs"]

    assert document["required"] == ["stories"]
    assert parts["Submit"]["properties"].keys() - parts["Query"]["properties"].keys() == {"books"}
    assert "at" in parts["Notification"]["required"]
    assert all(
        parts[name]["additionalProperties"] is False
        for name in ("Story", "Submit", "Query", "Notification")
    )
    assert parts["Status"]["enum"] == ["BUID", "ACSU", "WPAR", "FINI", "CLOS", "REFU"]
    assert "trade_currency" in parts["Query"]["properties"]["without"]["items"]["enum"]
    assert parts["Query"]["properties"]["after"]["type"] == "string"


@pytest.mark.parametrize("name", ["docs/sandbox.md", "docs/sandbox.zh-CN.md"])
def test_the_script_in_the_documents(name: str) -> None:
    """
    What a reader copies is a script, and says what the text around it says.
    """
    text = (Path(__file__).parents[3] / name).read_text(encoding="utf-8")
    (example,) = re.findall(r"^`({\"stories\".*})`$", text, re.MULTILINE)
    (story,) = read_script(example).stories

    assert [query.trade_status for query in story.queries] == ["CLOS"]
    assert [(n.at.days, n.trade_status) for n in story.notifications] == [(1, "FINI")]

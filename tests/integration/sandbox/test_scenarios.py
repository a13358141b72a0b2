"""
Each scenario on the wire: what the client sees, and what the books say in the end.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.integration.sandbox.client import Client, canonical, sign, wait_for
from tests.unit.sandbox.orders import order
from worker.sandbox.scenarios import SCENARIOS

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}


def seen(send: Callable[[], requests.Response]) -> str:
    """
    What a client sees of one transmission, in a word.
    """
    try:
        response = send()
    except requests.ReadTimeout:
        return "timeout"
    except requests.ConnectionError:
        return "cut"
    if response.status_code != 200:
        return f"HTTP {response.status_code}"
    try:
        reply: dict[str, Any] = response.json()
    except requests.JSONDecodeError:
        return "garbage"
    if reply["sign_data"] != sign(canonical(reply)):
        return "bad signature"
    code = str(reply["response_code"])
    # The status of a duplicate's original depends on the time that has passed.
    return f"{code} {reply['trade_status']}" if code == "0000" else code


# The scenario, what is seen of its first and of its second transmission, and what a query says in
# the end.
WIRE = [
    ("paid_at_once", "0000 FINI", "OUT_TRADE_NO_EXIST", "FINI"),
    ("paid_later", "0000 WPAR", "OUT_TRADE_NO_EXIST", "FINI"),
    ("closed_later", "0000 WPAR", "OUT_TRADE_NO_EXIST", "CLOS"),
    ("refused_card", "ILLEGAL_BANK_CARD_NO", "ILLEGAL_BANK_CARD_NO", "TRADE_NOT_EXIST"),
    ("balance_short", "0000 WPAR", "OUT_TRADE_NO_EXIST", "CLOS"),
    ("refused_request", "ILLEGAL_ARGUMENT", "ILLEGAL_ARGUMENT", "TRADE_NOT_EXIST"),
    ("lost_reply", "cut", "OUT_TRADE_NO_EXIST", "FINI"),
    ("lost_request", "cut", "0000 WPAR", "FINI"),
    ("read_timeout_booked", "timeout", "OUT_TRADE_NO_EXIST", "FINI"),
    ("read_timeout_unbooked", "timeout", "0000 WPAR", "FINI"),
    ("bad_gateway_booked", "HTTP 502", "OUT_TRADE_NO_EXIST", "FINI"),
    ("bad_gateway_unbooked", "HTTP 502", "0000 WPAR", "FINI"),
    ("garbage_booked", "garbage", "OUT_TRADE_NO_EXIST", "FINI"),
    ("garbage_unbooked", "garbage", "0000 WPAR", "FINI"),
    ("system_error_booked", "SYSTEM_ERROR", "OUT_TRADE_NO_EXIST", "FINI"),
    ("system_error_unbooked", "SYSTEM_ERROR", "0000 WPAR", "FINI"),
    ("unlisted_code_booked", "SANDBOX_UNLISTED", "OUT_TRADE_NO_EXIST", "FINI"),
    ("unlisted_code_unbooked", "SANDBOX_UNLISTED", "0000 WPAR", "FINI"),
    ("bad_reply_signature", "bad signature", "OUT_TRADE_NO_EXIST", "FINI"),
    ("not_found_first", "cut", "OUT_TRADE_NO_EXIST", "FINI"),
    ("no_result", "0000 WPAR", "0000 WPAR", "NO_RESULT"),
    ("no_notifications", "0000 WPAR", "OUT_TRADE_NO_EXIST", "FINI"),
    ("duplicated_notifications", "0000 WPAR", "OUT_TRADE_NO_EXIST", "FINI"),
    ("reordered_notifications", "0000 WPAR", "OUT_TRADE_NO_EXIST", "REFU"),
    ("forged_notification", "0000 WPAR", "OUT_TRADE_NO_EXIST", "FINI"),
    ("returned_notified", "0000 WPAR", "OUT_TRADE_NO_EXIST", "REFU"),
    ("returned_silent", "0000 WPAR", "OUT_TRADE_NO_EXIST", "REFU"),
    ("partial_return", "0000 WPAR", "OUT_TRADE_NO_EXIST", "REFU"),
]


def test_the_table_is_whole() -> None:
    """
    Every scenario is in the table above.
    """
    assert [row[0] for row in WIRE] == [scenario.name for scenario in SCENARIOS]


@pytest.mark.parametrize(("name", "first", "second", "end"), WIRE)
def test_on_the_wire(
    client: Client, number: str, name: str, first: str, second: str, end: str
) -> None:
    """
    A scenario's transmissions and queries are answered as its summary says.
    """
    form = client.sealed(order(out_trade_no=number, payee_account_no=ACCOUNT[name]))

    def send() -> requests.Response:
        return client.post("/npp10/defray_pay", form, timeout=0.5 if first == "timeout" else 5)

    def status() -> str:
        reply = client.query(number)
        return str(reply.get("trade_status", reply["response_code"]))

    before = client.books()

    assert [seen(send), seen(send)] == [first, second]
    wait_for(lambda: status() == end)
    row, after = client.row(number), client.books()
    is_booked = end in {"FINI", "CLOS", "REFU"}

    assert row["scenario"] == name
    assert row["transmissions"] == 2
    assert row["debits"] == is_booked
    assert row["status"] == (end if is_booked else None)
    assert row["queries"] >= 1
    assert after["debits"] - before["debits"] == is_booked
    cost = {"FINI": 12345 + 100, "REFU": 12345 + 100 - row["refund_fen"]}.get(end, 0)
    assert before["balance_fen"] - after["balance_fen"] == cost


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("closed_later", "BAC2000006", "交易失败被银行退回/账号不存在"),
        ("balance_short", "ACC3030007", "账务申请失败:360080000000000001000801:可用余额不足"),
    ],
)
def test_reasons(client: Client, number: str, name: str, code: str, message: str) -> None:
    """
    A query of a closed trade says why.
    """
    client.pay(out_trade_no=number, payee_account_no=ACCOUNT[name])
    wait_for(lambda: client.query(number)["trade_status"] == "CLOS")
    reply = client.query(number)

    assert (reply["trade_respcode"], reply["trade_respmsg"]) == (code, message)
    assert reply["refund_amount"] is None


@pytest.mark.parametrize(
    ("name", "refund_amount"), [("returned_silent", "12345"), ("partial_return", "6172")]
)
def test_returns(client: Client, number: str, name: str, refund_amount: str) -> None:
    """
    A query of a returned trade says how much came back.
    """
    client.pay(out_trade_no=number, payee_account_no=ACCOUNT[name])
    wait_for(lambda: client.query(number)["trade_status"] == "REFU")

    assert client.query(number)["refund_amount"] == refund_amount


def test_query_in_full(client: Client, number: str) -> None:
    """
    The answer about a paid trade has the documented fields.
    """
    client.pay(out_trade_no=number, biz_trade_no="B-1")
    wait_for(lambda: client.query(number)["trade_status"] == "FINI")
    reply = client.query(number)

    assert time.strptime(reply["trade_pay_date"], "%a %b %d %H:%M:%S CST %Y")
    assert reply["out_trade_date"] == "Fri Jan 05 09:30:00 CST 2024"
    assert reply["biz_trade_no"] == "B-1"
    assert reply["trade_class"] == "DEFY"
    assert reply["trade_subject"] == "测试代付 A+B"
    assert (reply["pay_tool"], reply["bank_code"], reply["card_type"]) == ("TRAN", "CMB", "DE")
    assert reply["category_code"] == "20EN0401"
    assert reply["seller_info"] == '{"customer_type":"CUSTOMER_NO"}'


def test_not_found_first(client: Client, number: str) -> None:
    """
    The first query finds nothing, the second one finds the trade.
    """
    account = ACCOUNT["not_found_first"]
    with pytest.raises(requests.ConnectionError):
        client.send(out_trade_no=number, payee_account_no=account)

    assert client.query(number)["response_code"] == "TRADE_NOT_EXIST"
    assert client.query(number)["response_code"] == "0000"


def test_dropped_replies(client: Client, number: str) -> None:
    """
    With all replies dropped, an order is booked all the same and can be found by query.
    """
    client.switch(drop_replies=True)
    try:
        with pytest.raises(requests.ConnectionError):
            client.send(out_trade_no=number)
        status = client.query(number)["trade_status"]
    finally:
        client.switch(drop_replies=False)

    assert status in {"WPAR", "FINI"}
    assert client.pay(out_trade_no=number)["response_code"] == "OUT_TRADE_NO_EXIST"

"""
Stories on the wire, told by a sandbox in this process.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.integration.sandbox.client import Client, canonical, sign, wait_for
from tests.integration.sandbox.conftest import TIMING
from tests.integration.sandbox.receiver import Receiver
from tests.unit.sandbox.openssl import Merchant
from worker.sandbox.keys import Keys
from worker.sandbox.running import Options, Sandbox
from worker.sandbox.saying import FIELDS
from worker.sandbox.scenarios import SCENARIOS
from worker.sandbox.script_file import read_script

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}

#: Played over the wire by a sandbox in this process.
SUBMITS: dict[str, dict[str, Any]] = {
    "CUT": {"connection": "cut"},
    "HELD": {"connection": "held"},
    "PAGE": {"http_status": 503},
    "BODY": {"body": "<h1>升级</h1>"},
    "UNSIGNED": {"trade_status": "WPAR", "signature": "none"},
    "BADLY_SIGNED": {"trade_status": "WPAR", "signature": "bad"},
    "STATUS": {"trade_status": "FINI", "http_status": 500},
    "REFUSAL": {"response_code": "PAYMENT_LIMITED", "response_message": "限制"},
    "LIKE_JDS_SAMPLE": {
        "response_code": "ILLEGAL_ARGUMENT",
        "response_message": "提交的参数有误 (pay_tool is isRequired not null)",
        "without": ["customer_no", "out_trade_no", "response_datetime"],
    },
    "OTHER_AMOUNT": {"trade_status": "FINI", "trade_amount": 99, "trade_currency": "USD"},
    "OTHER_NUMBER": {
        "trade_status": "WPAR",
        "fields": {"out_trade_no": "X", "pay_currency": "CNY"},
    },
    "NO_STATUS": {"without": ["trade_status", "trade_currency"]},
    "ODD_STATUS": {"fields": {"trade_status": "DONE", "trade_amount": None}},
    "SLOW": {"trade_status": "WPAR", "delay": "0.5s"},
}


@pytest.fixture(scope="module")
def scripted(keys: Keys, merchant: Merchant) -> Iterator[Client]:
    """
    A client of a sandbox that has a story for each of `SUBMITS`.
    """
    stories = [
        {"name": name, "out_trade_no": name, "submits": [submit]}
        for name, submit in SUBMITS.items()
    ]
    script = read_script(json.dumps({"stories": stories}))
    with Sandbox(keys, Options(timing=TIMING, script=script)) as sandbox:
        yield Client(sandbox, str(keys.ca_file), merchant)


def test_no_bytes(scripted: Client) -> None:
    """
    A cut connection gives nothing, and a held one nothing for as long as the client waits.
    """
    with pytest.raises(requests.ConnectionError):
        scripted.send(out_trade_no="CUT")
    with pytest.raises(requests.ReadTimeout):
        scripted.send(out_trade_no="HELD", timeout=0.3)

    assert scripted.query("CUT")["response_code"] == "TRADE_NOT_EXIST"


def test_pages(scripted: Client) -> None:
    """
    A status alone comes with a page, and a body comes as it was written.
    """
    page, body = scripted.send(out_trade_no="PAGE"), scripted.send(out_trade_no="BODY")

    assert (page.status_code, body.status_code) == (503, 200)
    assert page.text.startswith("<html>")
    assert (body.text, body.headers["Content-Type"]) == ("<h1>升级</h1>", "text/html;charset=UTF-8")


def test_signatures(scripted: Client) -> None:
    """
    An unsigned reply has neither field of a signature; a badly signed one has both.
    """
    unsigned = scripted.send(out_trade_no="UNSIGNED").json()
    badly = scripted.send(out_trade_no="BADLY_SIGNED").json()

    assert not {"sign_type", "sign_data"} & unsigned.keys()
    assert badly["sign_type"] == "SHA-256"
    assert badly["sign_data"] != sign(canonical(badly))
    assert (unsigned["trade_status"], badly["trade_status"]) == ("WPAR", "WPAR")


def test_signed_fields_under_another_status(scripted: Client) -> None:
    """
    The signed fields can come with any HTTP status.
    """
    reply = scripted.send(out_trade_no="STATUS")
    fields = reply.json()

    assert (reply.status_code, fields["trade_status"]) == (500, "FINI")
    assert fields["sign_data"] == sign(canonical(fields))


def test_refusals(scripted: Client) -> None:
    """
    A code without a status names no trade; without its common fields it is JD's own sample.
    """
    refusal = scripted.pay(out_trade_no="REFUSAL")

    assert refusal.keys() == {
        *("customer_no", "out_trade_no", "response_datetime", "response_code", "response_message"),
        *("sign_type", "sign_data"),
    }
    assert (refusal["response_code"], refusal["response_message"]) == ("PAYMENT_LIMITED", "限制")
    assert scripted.pay(out_trade_no="LIKE_JDS_SAMPLE") == {
        "response_code": "ILLEGAL_ARGUMENT",
        "response_message": "提交的参数有误 (pay_tool is isRequired not null)",
        "sign_type": "SHA-256",
        "sign_data": "C35A463E712232ED9A8ACB655AC1CB70653672489CC89B1007F9BE90BB8D79DC",
    }
    assert [scripted.row(number)["debits"] for number in ("REFUSAL", "LIKE_JDS_SAMPLE")] == [0, 0]


def test_other_fields(scripted: Client) -> None:
    """
    Each field can be another, more or missing, and is signed as it is sent.
    """
    amount = scripted.pay(out_trade_no="OTHER_AMOUNT")
    number = scripted.pay(out_trade_no="OTHER_NUMBER")
    none = scripted.pay(out_trade_no="NO_STATUS")
    odd = scripted.pay(out_trade_no="ODD_STATUS")

    assert (amount["trade_amount"], amount["trade_currency"]) == ("99", "USD")
    assert (number["out_trade_no"], number["pay_currency"]) == ("X", "CNY")
    assert not {"trade_status", "trade_currency"} & none.keys()
    assert {"trade_no", "trade_amount"} <= none.keys()
    assert (odd["trade_status"], odd["trade_amount"]) == ("DONE", None)
    assert scripted.row("OTHER_AMOUNT")["amount_fen"] == 12345


def test_a_late_reply(scripted: Client) -> None:
    """
    A delay holds back its own reply.
    """
    start = time.monotonic()

    assert scripted.pay(out_trade_no="SLOW")["response_code"] == "0000"
    assert time.monotonic() - start >= 0.5


def test_other_numbers_are_as_before(scripted: Client, number: str) -> None:
    """
    A number that no story names has its account's scenario.
    """
    reply = scripted.pay(out_trade_no=number, payee_account_no=ACCOUNT["paid_at_once"])

    assert reply["trade_status"] == "FINI"
    assert scripted.row(number)["scenario"] == "paid_at_once"


def test_every_field_can_be_left_out(client: Client, receiver: Receiver, number: str) -> None:
    """
    What a story may leave out is what replies, answers to queries and notifications hold.
    """
    reply = client.pay(
        out_trade_no=number, payee_account_no=ACCOUNT["returned_notified"], notify_url=receiver.url
    )
    wait_for(lambda: "REFU" in receiver.of(number))
    told = next(fields for fields in receiver.received if fields["out_trade_no"] == number)
    held = {*reply, *client.query(number), *told} - {"sign_type", "sign_data"}

    assert held | {"biz_trade_no"} == FIELDS

"""
Stories on the wire: a sandbox in this process, and one in a process of its own.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from tests.integration.sandbox.client import Client, canonical, sign, wait_for
from tests.integration.sandbox.conftest import TIMING
from tests.integration.sandbox.receiver import Receiver
from tests.integration.sandbox.test_process import COMMAND, process
from tests.unit.sandbox.openssl import Merchant
from worker.cli.sandbox import sandbox as sandbox_command
from worker.sandbox.keys import Keys
from worker.sandbox.running import Options, Sandbox
from worker.sandbox.saying import FIELDS
from worker.sandbox.scenarios import SCENARIOS
from worker.sandbox.script_file import read_script

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}
PAID = {"trade_status": "FINI"}

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


# A process of its own, with one script for all that follows.
STORIES: list[dict[str, Any]] = [
    {
        "name": "closed, then paid",
        "out_trade_no": "CLOSED_THEN_PAID",
        "queries": [
            {"trade_status": "CLOS", "trade_respcode": "BAC2000006", "trade_respmsg": "账号不存在"},
            {**PAID, "after": "1.5s"},
        ],
        "notifications": [{"at": "1.5s", **PAID}],
    },
    {
        "name": "no currency",
        "out_trade_no": "NO_CURRENCY",
        "queries": [{**PAID, "without": ["trade_currency"]}],
        "notifications": [{"at": "0s", **PAID, "without": ["trade_currency"]}],
    },
    {
        "name": "a return that shrinks",
        "payee_account_no": ACCOUNT["lost_reply"],
        "queries": [{"trade_status": "REFU", "refund_amount": 3000}],
        "notifications": [{"at": "0.2s", "trade_status": "REFU", "refund_amount": 9000}],
    },
    {
        "name": "an error with a status",
        "out_trade_no": "ERROR_AND_STATUS",
        "queries": [{"response_code": "SYSTEM_ERROR", **PAID}],
    },
    {
        "name": "not there twice",
        "out_trade_no": "NOT_THERE",
        "submits": [{"connection": "cut", "books": True}],
        "queries": [{"response_code": "TRADE_NOT_EXIST"}] * 2 + [{**PAID, "trade_no": "another"}],
    },
    {
        "name": "notifications of all kinds",
        "out_trade_no": "NOTICES",
        "submits": [PAID],
        "notifications": [
            {"at": "0.3s", **PAID},
            {"at": "0s", "trade_status": "CLOS", "signature": "bad"},
            {"at": "0.1s", "trade_status": "CLOS", "trade_respcode": "X", "signature": "none"},
            {"at": "0.2s", **PAID, "trade_no": "another", "fields": {"extra": "外"}},
        ],
    },
]


@dataclass(frozen=True)
class Elsewhere:
    """
    Where another process's sandbox is.
    """

    origin: str


@contextmanager
def elsewhere(folder: Path, script: object) -> Iterator[Client]:
    """
    A client of a sandbox process that has a script.
    """
    folder.mkdir()
    path = folder / "剧本.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    with process("--dir", folder / "keys", "--script", path) as (_, said):
        merchant = Merchant.of(folder / "keys", folder)
        yield Client(Elsewhere(said["url"].removesuffix("/npp10")), said["ca_file"], merchant)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """
    A client of a process that tells `STORIES`.
    """
    with elsewhere(tmp_path_factory.mktemp("script") / "沙箱", {"stories": STORIES}) as client:
        yield client


def received(receiver: Receiver, number: str) -> list[dict[str, str]]:
    """
    What was notified of one number.
    """
    return [fields for fields in receiver.received if fields["out_trade_no"] == number]


def test_closed_by_query_then_paid_by_notification(told: Client, receiver: Receiver) -> None:
    """
    A trade that queries call closed is notified as paid later, and queries say so from then on.
    """
    number = "CLOSED_THEN_PAID"
    before = told.books()["balance_fen"]
    start = time.monotonic()
    told.pay(out_trade_no=number, notify_url=receiver.url)
    closed = told.query(number)

    assert (closed["trade_status"], closed["trade_respcode"]) == ("CLOS", "BAC2000006")
    assert before == told.books()["balance_fen"]
    wait_for(lambda: receiver.of(number) == ["FINI"])
    assert time.monotonic() - start >= 1.5
    assert told.query(number)["trade_status"] == "FINI"
    assert before - told.books()["balance_fen"] == 12345 + 100
    assert told.row(number)["debits"] == 1


def test_paid_without_a_currency(told: Client, receiver: Receiver) -> None:
    """
    Neither the notification nor the query says in which currency it was paid.
    """
    number = "NO_CURRENCY"
    told.pay(out_trade_no=number, notify_url=receiver.url)
    wait_for(lambda: receiver.of(number) == ["FINI"])

    assert "trade_currency" not in received(receiver, number)[0]
    assert "trade_currency" not in told.query(number)


def test_a_return_that_shrinks(told: Client, receiver: Receiver) -> None:
    """
    A payee's story: 9000 are notified as returned, and 3000 by query, for each of his numbers.
    """
    for number in ("SHRINKS1", "SHRINKS2"):
        told.pay(
            out_trade_no=number,
            payee_account_no=ACCOUNT["lost_reply"],
            notify_url=receiver.url,
        )
        wait_for(lambda: received(receiver, number))  # noqa: B023 - at once

        assert [n["refund_amount"] for n in received(receiver, number)] == ["9000"]
        assert told.row(number)["refund_fen"] == 9000
        assert told.query(number)["refund_amount"] == "3000"
        assert told.row(number)["refund_fen"] == 3000


def test_an_error_with_a_status(told: Client) -> None:
    """
    A code other than 0000 can name a trade with all its fields, and is its own message.
    """
    told.pay(out_trade_no="ERROR_AND_STATUS")
    reply = told.query("ERROR_AND_STATUS")

    assert (reply["response_code"], reply["response_message"]) == ("SYSTEM_ERROR", "SYSTEM_ERROR")
    assert (reply["trade_status"], reply["trade_class"]) == ("FINI", "DEFY")


def test_not_there_twice(told: Client) -> None:
    """
    After a lost reply two queries find nothing, and the third one another trade, which is paid.
    """
    number = "NOT_THERE"
    with pytest.raises(requests.ConnectionError):
        told.send(out_trade_no=number)
    codes = [told.query(number)["response_code"] for _ in range(2)]
    paid = told.query(number)

    assert codes == ["TRADE_NOT_EXIST"] * 2
    assert (paid["trade_status"], paid["trade_no"]) == ("FINI", "another")
    assert told.query(number)["trade_no"] == "another"
    again = told.pay(out_trade_no=number)
    assert (again["response_code"], again["trade_status"]) == ("OUT_TRADE_NO_EXIST", "FINI")
    assert told.row(number)["debits"] == 1


def test_notifications_of_all_kinds(told: Client, receiver: Receiver) -> None:
    """
    They come in the order of their times, whatever is answered, each with its own fields.
    """
    number = "NOTICES"
    told.pay(out_trade_no=number, notify_url=receiver.url)
    wait_for(lambda: len(received(receiver, number)) == 4)
    forged, unsigned, another, last = received(receiver, number)

    assert [n["trade_status"] for n in (forged, unsigned, another, last)] == [
        *("CLOS", "CLOS", "FINI", "FINI")
    ]
    assert "sign_data" in forged
    assert (unsigned.get("sign_data"), unsigned["trade_respcode"]) == (None, "X")
    assert (another["trade_no"], another["extra"]) == ("another", "外")
    assert last["trade_no"] == told.row(number)["trade_no"]
    assert told.row(number)["status"] == "FINI"


def test_the_schema_is_printed() -> None:
    """
    The command prints the schema, and needs nothing for it.
    """
    printed = subprocess.run([*COMMAND, "--script-schema"], capture_output=True, check=True)
    document = json.loads(printed.stdout)

    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "stories" in document["properties"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "line 1, column 2: this is not JSON"),
        (b"\xff", "is not UTF-8"),
        (
            json.dumps({"stories": [{**STORIES[0], "queries": [{"trade_status": "CLOSED"}]}]}),
            "story 'closed, then paid', query 1, trade_status: there is no such word; did you mean",
        ),
    ],
)
def test_a_wrong_script(folder: Path, content: bytes | str, complaint: str) -> None:
    """
    A script that cannot be played is refused before anything starts, with its faults.
    """
    folder.mkdir()
    path = folder / "script.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    command = ["--dir", str(folder / "keys"), "--script", str(path)]
    refused = CliRunner().invoke(sandbox_command, command)

    assert refused.exit_code == 2
    assert complaint in refused.output
    assert "--script-schema" in refused.output or "UTF-8" in refused.output
    assert not (folder / "keys").exists()

"""
Stories on the wire, told by a sandbox process that has read them from a file.
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

from tests.integration.sandbox.client import Client, wait_for
from tests.integration.sandbox.receiver import Receiver
from tests.integration.sandbox.test_process import COMMAND, process
from tests.unit.sandbox.openssl import Merchant
from worker.cli.sandbox import sandbox as sandbox_command
from worker.sandbox.scenarios import SCENARIOS

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}
PAID = {"trade_status": "FINI"}

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
        wait_for(lambda: bool(received(receiver, number)))  # noqa: B023 - at once

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

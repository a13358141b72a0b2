"""
What the documents and each example's header say to type, beside `payouts dev`, and what is heard.
"""

import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_dev import Development, three_free_ports
from tests.acceptance.test_try_it import typed
from tests.documents import TEXTS, blocks, sections
from tests.examples.headers import EXAMPLES, PATIENCE, STATE, Beside, terminals
from tests.waiting import until
from worker.sandbox.scenarios import SCENARIOS

#: A payee who is held for a person to look at, so that what follows can be told in advance.
HELD = next(one.account_no for one in SCENARIOS if one.name == "held_review")
PAID_LATER = "620000000000000002"


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """
    A developer's stack, empty at first.
    """
    stack = Development(tmp_path_factory.mktemp("dev") / "state", three_free_ports())
    with stack.running():
        yield stack


@pytest.fixture
def beside(development: Development, tmp_path: Path) -> Beside:
    """
    A folder to work in.
    """
    return Beside(development, tmp_path)


def listens(port: str) -> bool:
    """
    Whether somebody takes connections there.
    """
    try:
        socket.create_connection(("127.0.0.1", int(port))).close()
    except ConnectionRefusedError:
        return False
    return True


def free(beside: Beside, number: str) -> None:
    """
    Withdraw a payout that is held, and free its obligation, as people do.
    """
    until(lambda: "held" in beside.payouts("list", "--status", "held"), PATIENCE, 0.5)
    for action in ("cancel", "release"):
        beside.payouts(action, number, "--why", "tested")


@pytest.mark.parametrize(
    ("header", "ports"),
    [("django_shop/__init__.py", ["8000"]), ("flask_shop.py", ["5000", "8001"])],
    ids=["django", "flask"],
)
def test_a_shop_hears_of_its_withdrawals(beside: Beside, header: str, ports: list[str]) -> None:
    """
    One is paid; the balance has another back once its obligation was freed, and not before.
    """
    server, user = terminals(EXAMPLES / header)
    withdraw, look = user.rsplit("curl", 1)
    look = f"curl -s {look}"

    def seen() -> dict[str, Any]:
        listed = json.loads(beside.run(look))["withdrawals"]
        return {one["number"]: (one["status"], bool(one["is_given_back"])) for one in listed}

    with beside.terminal(server) as shop:
        until(lambda: all(listens(beside.port(port)) for port in ports), PATIENCE)
        paid = json.loads(beside.run(withdraw))["number"]
        held = json.loads(beside.run(withdraw.replace(PAID_LATER, HELD)))["number"]
        until(lambda: seen() == {paid: ("paid", False), held: ("held", False)}, PATIENCE, 0.2)
        free(beside, held)
        until(lambda: seen()[held] == ("cancelled", True), PATIENCE, 0.2)
        said = shop.log.read_text()

    assert "Traceback" not in said
    told = json.loads(beside.payouts("events", "list", "--json", "--number", paid))["events"]
    assert [one["type"] for one in told].count("payout.accepted") == 1


def test_a_script_with_celery_alone(beside: Beside) -> None:
    """
    It pays and hears; sent twice under one number, it is one payout.
    """
    shutil.copy(EXAMPLES / "celery_alone.py", beside.folder)
    (typed,) = terminals(EXAMPLES / "celery_alone.py")
    server, pay, show = typed.rsplit("python", 2)
    settings = f". {STATE}/dev.env\n"

    def seen() -> str:
        return beside.run(f"{settings}python {show}").strip()

    with beside.terminal(f"{server}wait") as listening:
        key = beside.folder / "script.key"
        until(lambda: key.exists() and key.read_text(), PATIENCE)
        beside.run(f"{settings}python {pay}", PRODUCER_KEY="script.key")
        beside.run(f"{settings}python celery_alone.py again", PRODUCER_KEY="script.key")
        until(lambda: seen() == "WITHDRAWAL0001 paid 0", PATIENCE, 0.2)
        said = listening.log.read_text()

    assert "Traceback" not in said
    told = json.loads(beside.payouts("events", "list", "--json", "--number", "WITHDRAWAL0001"))
    assert [one["type"] for one in told["events"]].count("payout.accepted") == 1


def test_a_shell_script_over_the_http_api(beside: Beside, development: Development) -> None:
    """
    Handed over twice it is one payout; it is shown, listed, withdrawn and told of.
    """
    shutil.copy(EXAMPLES / "http_api.sh", beside.folder)
    (typed,) = terminals(EXAMPLES / "http_api.sh")
    lines = typed.splitlines()
    settings = [line for line in lines if not line.startswith("sh ")]
    pay, show, list_, events, cancel = (line for line in lines if line.startswith("sh "))
    job = development.directory / "job.json"
    job.write_text(json.dumps({**json.loads(job.read_text()), "payee_account_no": HELD}))
    withdrawn = "'\"payout.cancelled\"[^}]*TRYIT0001'"
    asked = [
        *(pay, pay, show, list_.replace("paid", "held"), cancel, f"{show}9 || echo exit $?"),
        f"until {events} | grep {withdrawn}; do sleep 0.2; done; echo done",
    ]
    with beside.terminal("\n".join([*settings, *asked, "wait"])) as child:
        until(lambda: not child.is_alive() or "done" in child.log.read_text(), PATIENCE)
        said = child.log.read_text().splitlines()
    # The log lines of the two processes are JSON as well.
    answers = (line for line in said if line.startswith("{") and not line.startswith('{"time"'))
    told = [json.loads(line) for line in answers]

    first, again, shown, page, cancelled, unknown, events_ = told
    assert [one["status"] for one in (first, again, shown, cancelled)] == [
        *("held", "held", "held", "cancelled")
    ]
    assert {one["out_trade_no"] for one in [first, *page["payouts"], cancelled]} == {"TRYIT0001"}
    assert (unknown["code"], "exit 22" in said) == ("not_found", True)
    types = [one["type"] for one in events_["events"] if one["data"]["obligation"] == "TRYIT0001"]
    assert types == ["payout.accepted", "payout.held", "payout.cancelled"]


def test_a_newcomer_hears_events_in_a_webhook_of_their_own(beside: Beside) -> None:
    """
    The first section of the developers' page, typed as it stands; the server prints what is shown.
    """
    told = sections(TEXTS["docs/developing.md"])[1].text
    stack, server, trigger = ("\n".join(typed(block)) for block in blocks(told, "console"))
    (hook,), (shown,) = blocks(told, "python"), blocks(told, "text")
    (beside.folder / ".venv").symlink_to(sys.prefix)
    (beside.folder / "hook.py").write_text(hook)
    with beside.terminal(server) as listening:
        until(lambda: listens(beside.port("8000")), PATIENCE)
        said = beside.run(trigger)
        last = shown.split()[-2]
        until(lambda: last in listening.log.read_text(), PATIENCE)
        lines = listening.log.read_text().splitlines()

    assert stack.splitlines() == ["make install", ".venv/bin/payouts dev"]
    number = said.split()[-1]
    heard = [line for line in lines if line.endswith(number)]
    assert heard == [line.replace("RETURNED1A2B3C4D", number) for line in shown.splitlines()]

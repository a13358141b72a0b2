"""
The Node example, on the system's node: celery-node enqueues, and node's own server hears.
"""

import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.acceptance.test_dev import Development, three_free_ports
from tests.examples.headers import EXAMPLES, PATIENCE, STATE, Beside, terminals
from tests.examples.rules import AMOUNT_FEN, EACH_RULE, Event, Rule, Seen, an_event
from tests.examples.signing import EACH_FORGERY, KEY, Headers, posted
from tests.system import servers
from tests.waiting import until
from worker.embedded.broker import free_port
from worker.embedded.children import Child

SOURCE = EXAMPLES / "node"


class NodeShop:
    """
    The webhook's server, which begins with what its file holds.
    """

    number = "WITHDRAWAL0001"

    def __init__(self, installed: Path, folder: Path) -> None:
        self._script = installed / "webhook.js"
        self.folder = folder
        self._port = str(free_port())
        self.url = f"http://127.0.0.1:{self._port}/payouts"
        self._child: Child | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def start(self) -> None:
        """
        Start it, and wait until it answers.
        """
        node = servers.programs("node", "nodejs") / "node"
        self._child = Child(
            [node, self._script],
            log=self.folder / "node.log",
            env={"PORT": self._port, "WEBHOOK_KEY": KEY},
            cwd=self.folder,
        )
        until(self._answers, PATIENCE)

    def kill(self) -> None:
        """
        End it as a crash would.
        """
        if self._child:
            self._child.kill()

    def _answers(self) -> bool:
        try:
            return self._session.get(self.url, timeout=10).ok
        except requests.ConnectionError:
            return False

    def post(self, body: bytes, headers: Headers) -> int:
        """
        The status with which a webhook's request is answered.
        """
        said = {k: v.encode() for k, v in headers.items()}
        return self._session.post(self.url, data=body, headers=said, timeout=10).status_code

    def hear(self, event: Event) -> None:
        """
        Be told of an event as the relay tells it.
        """
        assert self.post(*posted(event)) == 204

    def seen(self) -> Seen:
        """
        What it shows of the payout.
        """
        told = self._session.get(self.url, timeout=10).json()
        found = told.get(self.number, {"status": "asked for", "may_be_paid_again": False})
        return Seen(found["status"], AMOUNT_FEN * found["may_be_paid_again"])


@pytest.fixture
def shop(installed: Path, tmp_path: Path) -> Iterator[NodeShop]:
    """
    The server in a folder of its own.
    """
    running = NodeShop(installed, tmp_path)
    running.start()
    yield running
    running.kill()


@EACH_RULE
def test_it_keeps_the_rules(shop: NodeShop, rule: Rule) -> None:
    """
    Those that every application keeps; and whoever is killed after that knows the same.
    """
    rule(shop)
    seen = shop.seen()
    shop.kill()
    shop.start()

    assert shop.seen() == seen


@EACH_FORGERY
def test_what_is_not_signed_is_not_believed(
    shop: NodeShop, forge: Callable[[Event], tuple[bytes, Headers]]
) -> None:
    """
    401, and nothing is stored: the true event is taken afterwards.
    """
    freed = an_event(shop.number, "obligation.freed", 4)

    assert shop.post(*forge(freed)) == 401
    assert shop.seen() == Seen("asked for")
    shop.hear(freed)
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def test_a_line_that_was_cut_off_is_no_event(shop: NodeShop) -> None:
    """
    It had no yes, so it comes again, and stands on a line of its own.
    """
    sent, paid = (an_event(shop.number, f"payout.{kind}", 2) for kind in ("sent", "paid"))
    shop.hear(sent)
    shop.kill()
    file = shop.folder / "events.jsonl"
    with file.open("a") as cut:
        cut.write(json.dumps(paid)[:-20])
    shop.start()
    assert shop.seen() == Seen("sending")
    shop.hear(paid)

    assert shop.seen() == Seen("paid")
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [
        *(sent["id"], paid["id"])
    ]


def test_a_body_without_end_is_cut_off(shop: NodeShop) -> None:
    """
    Long before it ends: nobody fills the server's memory, and it goes on.
    """
    host, _, port = shop.url.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = b"POST /payouts HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000000\r\n\r\n"
        connection.sendall(head + b" " * 200_000)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100)[:12] in {b"HTTP/1.1 401", b""}

    shop.hear(an_event(shop.number, "payout.paid", 1))


def test_a_broker_that_is_down_is_told(installed: Path, free_port: int) -> None:
    """
    Exit 1: whoever called it does the same again.
    """
    node = servers.programs("node", "nodejs") / "node"
    done = subprocess.run(
        [node, installed / "pay.js", "WITHDRAWAL0001", "12345"],
        env={"PAYOUTS_BROKER_URL": f"redis://127.0.0.1:{free_port}/0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 1
    assert "nobody took WITHDRAWAL0001: connect ECONNREFUSED" in done.stderr


def test_as_its_header_says_it_pays_and_hears(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    Beside `payouts dev`: sent twice under one number it is one payout, which is heard to be paid.
    """
    stack = Development(tmp_path_factory.mktemp("dev") / "state", three_free_ports())
    (pay,) = terminals(SOURCE / "pay.js")
    server, look = terminals(SOURCE / "webhook.js")
    with stack.running():
        beside = Beside(stack, installed)
        with beside.terminal(server):
            until(lambda: "{}" in beside.run(f"{look.strip()} || true"), PATIENCE)
            beside.run(f"{pay}{pay}")
            until(lambda: '"paid"' in beside.run(look), PATIENCE)
            told = json.loads(beside.run(look))
        listed = json.loads(beside.payouts("events", "list", "--json"))["events"]

    assert STATE in server
    assert [*told] == ["WITHDRAWAL0001"]
    assert told["WITHDRAWAL0001"]["may_be_paid_again"] is False
    assert [one["type"] for one in listed].count("payout.accepted") == 1


def test_the_lock_holds_hashes_and_no_address() -> None:
    """
    Where packages come from is the installer's own affair; what they hold is not.
    """
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}

    assert len(packages) > 10
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not any("resolved" in one for one in packages.values())
    assert "omit-lockfile-registry-resolved=true" in (SOURCE / ".npmrc").read_text()
    wanted = json.loads((SOURCE / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted
    assert all(re.fullmatch(r"[\d.]+", version) for version in wanted.values())

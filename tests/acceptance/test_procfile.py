"""
The real Procfile under real honcho: what becomes of the others when Flower ends or does not start.
"""

import contextlib
import os
import random
import re
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.processes import ends
from tests.waiting import until
from worker.demo.stack import Stack
from worker.demo.story import cast, enqueue
from worker.embedded.children import Child
from worker.payouts.status import PayoutStatus
from worker.processes import COMMANDS, CONSUMERS
from worker.store.ledger import SqlLedger

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sys.prefix) / "bin"


@dataclass(frozen=True)
class Honcho:
    """
    A running honcho, on its own ports, beside the stack whose broker and sandbox it uses.
    """

    child: Child
    port: int
    stack: Stack
    ledger: SqlLedger

    @property
    def said(self) -> str:
        """
        What it and its processes have written so far.
        """
        return self.child.log.read_text(errors="replace")

    def answers(self, place: int, path: str) -> int:
        """
        The status that a process answers with, by its place in the Procfile; 0 if it does not.
        """
        url = f"http://127.0.0.1:{self.port + 100 * place}{path}"
        with requests.Session() as web, contextlib.suppress(requests.ConnectionError):
            web.trust_env = False
            return web.get(url, timeout=5).status_code
        return 0

    def pays(self) -> bool:
        """
        Whether a payout that is enqueued now is paid; waits for that.
        """
        actor = next(a for a in cast() if a.scenario.name == "no_notifications")
        enqueue(self.stack.broker.url, [actor])
        merchant = self.stack.environment["PAYOUTS_CUSTOMER_NO"]

        def is_paid() -> bool:
            payout = self.ledger.find(merchant, actor.out_trade_no)
            return payout is not None and payout.status is PayoutStatus.PAID

        until(is_paid, PATIENCE)
        return is_paid()


def free_ports() -> int:
    """
    A port that is free together with those that honcho counts on to, by hundreds.
    """
    # In any order: another run of the tests may be looking too.
    for port in random.sample(range(21_000, 31_000, 7), 100):
        with contextlib.ExitStack() as taken, contextlib.suppress(OSError):
            for place in range(len(COMMANDS)):
                taken.enter_context(socket.create_server(("127.0.0.1", port + 100 * place)))
            return port
    raise AssertionError("no free ports")


@contextlib.contextmanager
def honcho(**settings: str) -> Iterator[Honcho]:
    """
    The Procfile's processes, with these settings beside the stack's.
    """
    port = free_ports()
    with a_stack() as (stack, ledger):
        for name in ("receiver", *CONSUMERS, "beat"):
            stack.kill(name)
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("PAYOUTS_", "FLOWER_"))}
        child = Child(
            [
                *(SCRIPTS / "honcho", "--no-colour", "-f", ROOT / "Procfile"),
                *("-d", stack.directory / "empty", "start", "--port", str(port)),
            ],
            log=stack.directory / "honcho.log",
            env={
                **plain,
                **stack.environment,
                "PATH": f"{SCRIPTS}:{plain['PATH']}",
                "PAYOUTS_NOTIFY_URL": f"http://127.0.0.1:{port}/jdpay/notify",
                **settings,
            },
            cwd=stack.directory / "empty",
        )
        with child:
            yield Honcho(child, port, stack, ledger)


def flowers_process(runner: Honcho) -> int | None:
    """
    The id of the process that is Flower itself: the child of ours that looks after it.
    """
    (supervisor,) = re.findall(r"flower\.1 started \(pid=(\d+)\)", runner.said) or [None]
    if supervisor is None:
        return None
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for pid in children:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"celery" in words and b"flower" in words:
            return int(pid)
    return None


def test_flower_that_is_killed_comes_back_and_takes_nothing_with_it() -> None:
    """
    Receiver, worker and beat go on, and pay; then TERM ends all four.
    """
    with honcho(FLOWER_BASIC_AUTH="look:only") as runner:
        until(lambda: runner.answers(3, "/healthcheck") == 200, PATIENCE)
        killed = flowers_process(runner)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        until(lambda: "Flower ended by signal 9; it is started again in 1 s" in runner.said, 20)
        until(lambda: flowers_process(runner) not in {killed, None}, PATIENCE)
        until(lambda: runner.answers(3, "/workers") == 401, PATIENCE)
        paid = runner.pays()
        health = runner.answers(0, "/health")
        alive = runner.child.is_alive()
        again = flowers_process(runner)
        runner.child.send(signal.SIGTERM)
        ended = runner.child.wait(30)
        said = runner.said

    assert (paid, health, alive, ended) == (True, 200, True, True)
    assert again is not None
    assert ends(again)
    assert "look:only" not in said


@pytest.mark.parametrize("given", [{}, {"FLOWER_BASIC_AUTH": "nonsense"}], ids=["none", "bad"])
def test_without_a_password_the_others_run_and_the_log_says_what_to_do(
    given: dict[str, str],
) -> None:
    """
    Only Flower is missing.
    """
    with honcho(**given) as runner:
        until(lambda: "Set it to user:password" in runner.said, PATIENCE)
        paid = runner.pays()
        health = runner.answers(0, "/health")
        flower = runner.answers(3, "/")
        alive = runner.child.is_alive()
        said = runner.said

    assert (paid, health, flower, alive) == (True, 200, 0, True)
    assert "nonsense" not in said

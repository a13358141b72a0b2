"""
`payouts flower` as a process: how it starts Flower again, and how it ends.
"""

import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.waiting import until
from worker.embedded.children import Child

Start = Callable[..., Child]

PATIENCE = 60.0


@pytest.fixture
def start(tmp_path: Path, broker_url: str) -> Iterator[Start]:
    """
    Start `payouts flower` on a port.
    """
    with contextlib.ExitStack() as running:

        def call(port: int, **settings: str) -> Child:
            plain = {k: v for k, v in os.environ.items() if not k.startswith("FLOWER_")}
            return running.enter_context(
                Child(
                    [sys.executable, "-m", "worker", "flower", "--port", str(port)],
                    log=tmp_path / "flower.log",
                    env={**plain, "PAYOUTS_BROKER_URL": broker_url, **settings},
                    cwd=tmp_path,
                )
            )

        yield call


def pauses(child: Child) -> list[int]:
    """
    The pauses that it has announced so far, in seconds.
    """
    return [int(n) for n in re.findall(r"started again in (\d+) s", child.log.read_text())]


def ended_by(child: Child, signum: signal.Signals) -> tuple[bool, int]:
    """
    Whether it ends soon after a signal to it alone, and with what.
    """
    child.send(signum)
    soon = child.wait(5)
    return soon, child.kill()


def test_the_pauses_grow_until_flower_can_run(start: Start, free_port: int) -> None:
    """
    On a port that someone else has, it tries again ever later; once it is free, Flower answers.
    """
    with socket.create_server(("127.0.0.1", free_port)):
        child = start(free_port, FLOWER_BASIC_AUTH="look:only")
        until(lambda: len(pauses(child)) >= 2, PATIENCE)
    with requests.Session() as web:
        web.trust_env = False

        def answers() -> int:
            with contextlib.suppress(requests.ConnectionError):
                return web.get(f"http://127.0.0.1:{free_port}/workers", timeout=5).status_code
            return 0

        until(lambda: answers() == 401, PATIENCE)
        end = ended_by(child, signal.SIGTERM)
        until(lambda: answers() == 0, 10)

    assert pauses(child)[:2] == [1, 2]
    assert "address already in use" in child.log.read_text().lower()
    assert end == (True, 0)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_while_it_waits_for_a_password(
    start: Start, free_port: int, signum: signal.Signals
) -> None:
    """
    It says what to set, does not end by itself, and ends when told to.
    """
    child = start(free_port)
    until(lambda: "FLOWER_BASIC_AUTH is not set" in child.log.read_text(), PATIENCE)
    alive = not child.wait(0.5)

    assert alive
    assert ended_by(child, signum) == (True, 0)


def test_it_ends_at_once_in_a_pause(start: Start, free_port: int) -> None:
    """
    The pause before the next start is not waited for.
    """
    with socket.create_server(("127.0.0.1", free_port)):
        child = start(free_port, FLOWER_BASIC_AUTH="look:only")
        until(lambda: pauses(child)[-1:] == [4], PATIENCE)
        began = time.monotonic()
        end = ended_by(child, signal.SIGTERM)

    assert end == (True, 0)
    assert time.monotonic() - began < 3

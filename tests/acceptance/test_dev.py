"""
`payouts dev` and `payouts trigger`, as a developer uses them.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import PATIENCE
from tests.acceptance.test_demo import descendants
from tests.waiting import until
from worker.embedded.broker import free_port

PAYOUTS = [sys.executable, "-m", "worker"]

#: What each name must bring about, whoever reads the documents: written down anew, on purpose.
ENDS = {
    "accepted": "payout.accepted",
    "held": "payout.held",
    "queued": "payout.queued",
    "sent": "payout.sent",
    "refused": "payout.refused",
    "processing": "payout.processing",
    "unknown": "payout.unknown",
    "paid": "payout.paid",
    "failed": "payout.failed",
    "returned": "payout.returned",
    "partly_returned": "payout.partly_returned",
    "cancelled": "payout.cancelled",
    "needs_attention": "payout.needs_attention",
    "rejected": "job.rejected",
    "freed": "obligation.freed",
}


def three_free_ports() -> int:
    """
    The first of three ports in a row that are free.
    """
    while True:
        first = free_port()
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for port in range(first, first + 3):
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


@dataclass
class Development:
    """
    A developer's folder and ports.
    """

    directory: Path
    port: int

    def command(self, *options: str) -> list[str]:
        """
        The command that starts it.
        """
        return [*PAYOUTS, "dev", "--dir", str(self.directory), "--port", str(self.port), *options]

    @contextlib.contextmanager
    def running(self, *options: str) -> Iterator[str]:
        """
        It runs in a terminal of its own, until Ctrl-C; what it said when it was ready.
        """
        words = self.directory.with_suffix(".out")
        with (
            words.open("wb") as output,
            subprocess.Popen(
                self.command(*options),
                env={**os.environ, "DEV_MARK": str(self.directory)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            ) as process,
        ):
            try:
                until(lambda: "events listen" in words.read_text(), PATIENCE)
                yield words.read_text()
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(PATIENCE)
        assert process.returncode == 0, words.read_text()
        assert descendants(f"DEV_MARK={self.directory}") == []

    def run(self, *arguments: str) -> Any:
        """
        The document of a command in the second terminal.
        """
        line = '. "$0" && exec "$@" --json'
        done = subprocess.run(
            ["bash", "-c", line, str(self.directory / "dev.env"), *PAYOUTS, *arguments],
            cwd=self.directory / "empty",
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return json.loads(done.stdout) | {"exit": done.returncode}


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Development:
    """
    A folder that is not there yet, and free ports.
    """
    return Development(tmp_path_factory.mktemp("dev") / "state", three_free_ports())


def test_each_event_can_be_made_to_happen(development: Development) -> None:
    """
    Each name brings about its event within the time that a user waits, and says so.
    """
    with development.running():
        told = {name: development.run("trigger", name, "--wait", "60") for name in ENDS}

    assert {name: one["events"][-1]["type"] for name, one in told.items()} == ENDS
    assert {one["exit"] for one in told.values()} == {0}


def test_what_happened_is_kept_until_it_is_thrown_away(development: Development) -> None:
    """
    A second run knows the payout of the first, and so does its sandbox; `--reset` knows nothing.
    """
    with development.running("--reset") as said:
        assert f"redis://127.0.0.1:{development.port}/0" in said
        job = development.directory / "job.json"
        development.run("enqueue", str(job), "--wait", "60")
        until(lambda: development.run("show", "TRYIT0001")["status"] == "paid", PATIENCE)
    with development.running() as said:
        kept = development.run("show", "TRYIT0001")
        asked = development.run("query", "TRYIT0001")
    with development.running("--reset"):
        emptied = development.run("list")

    assert kept["status"] == "paid"
    assert asked["answered"]
    assert (asked["status"], asked["open_cases"]) == ("paid", [])
    assert emptied["total"] == 0


def test_a_port_that_is_taken_is_told_with_whom_by(tmp_path: Path) -> None:
    """
    The port, its part, the process and the option are named, and nothing is started.
    """
    first = three_free_ports()
    with socket.create_server(("127.0.0.1", first + 2)):
        done = subprocess.run(
            Development(tmp_path / "state", first).command(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert done.returncode == 1
    assert f"port {first + 2}, which the receiver is to have" in done.stderr
    assert f"process {os.getpid()} (" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "state" / "broker").exists()


def test_a_folder_is_used_by_one_at_a_time(development: Development) -> None:
    """
    Another one is refused, even on other ports, and even to throw all away.
    """
    with development.running():
        other = Development(development.directory, three_free_ports()).command("--reset")
        done = subprocess.run(other, capture_output=True, text=True, timeout=PATIENCE, check=False)
        still = development.run("list")

    assert done.returncode == 1
    assert "another `payouts dev` uses" in done.stderr
    assert still["exit"] == 0


def test_what_is_known_is_told_when_an_event_does_not_come(development: Development) -> None:
    """
    After a timeout the status; nothing is claimed of what may still happen.
    """
    with development.running():
        late = development.run("trigger", "returned", "--wait", "0.01")
        taken = development.run("trigger", "paid", "--number", "TWICEUSED1")
        reused = development.run("trigger", "failed", "--number", "TWICEUSED1")

    assert late["exit"] == 1
    assert "has not happened" in late["error"]
    assert taken["exit"] == 0
    assert reused["exit"] == 1
    assert "the job was rejected: number_reused" in reused["error"]

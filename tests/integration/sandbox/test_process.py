"""
The sandbox as a server and as a process: clients that stall, and how it ends.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from tests.integration.sandbox.client import Client, wait_for
from tests.unit.sandbox.openssl import Merchant
from worker.cli.sandbox import sandbox as sandbox_command
from worker.sandbox.keys import Keys
from worker.sandbox.running import Sandbox
from worker.sandbox.scenarios import SCENARIOS

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}
COMMAND = (sys.executable, "-m", "worker", "sandbox")


@contextmanager
def process(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """
    A sandbox process that is ready, and what it said then.
    """
    command = [*COMMAND, "--json", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, json.loads(running.stdout.readline())
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_ends_cleanly(folder: Path, number: signal.Signals) -> None:
    """
    It says where it is when it is ready, serves, and ends with status 0 when asked to.
    """
    with process("--dir", folder) as (running, said):
        health = said["url"].replace("/npp10", "/sandbox/health")

        assert requests.get(health, verify=said["ca_file"], timeout=5).status_code == 200
        assert int(said["pid"]) == running.pid
        assert said["dir"] == str(folder)
        settings = (folder / "sandbox.env").read_text("utf-8")
        assert f"PAYOUTS_GATEWAY_URL={said['url']}\n" in settings
        os.kill(running.pid, number)
        assert running.wait(timeout=5) == 0


def test_keys_only(folder: Path) -> None:
    """
    The keys can be made before the sandbox runs, which then uses them.
    """
    made = subprocess.run([*COMMAND, "--dir", str(folder), "--keys-only"], check=True, timeout=20)
    authority = (folder / "ca.pem").read_bytes()
    with process("--dir", folder, "--drop-notifications", "--drop-replies"):
        assert made.returncode == 0
        assert (folder / "ca.pem").read_bytes() == authority


def test_another_host_needs_a_name(folder: Path) -> None:
    """
    It does not listen to the world by accident.
    """
    refused = CliRunner().invoke(sandbox_command, ["--dir", str(folder), "--host", "0.0.0.0"])

    assert refused.exit_code == 2
    assert "--name" in refused.output
    assert not folder.exists()


def test_a_name_for_a_container(folder: Path) -> None:
    """
    A named sandbox listens everywhere, and is called by its name.
    """
    with process("--dir", folder, "--host", "0.0.0.0", "--name", "localhost") as (_, said):
        health = said["url"].replace("/npp10", "/sandbox/health")

        assert health.startswith("https://localhost:")
        assert requests.get(health, verify=said["ca_file"], timeout=5).status_code == 200


@pytest.mark.parametrize(
    "option",
    [
        ("--pay-after", "2"),
        ("--notify-at", "1m,0s"),
        ("--hang", "x"),
        ("--host", "localhost"),
        ("--latency", "300ms"),
        ("--latency", "1h"),
    ],
)
def test_wrong_options(folder: Path, option: tuple[str, str]) -> None:
    """
    A duration that is none, times that do not rise and a name for an address are refused.
    """
    refused = CliRunner().invoke(sandbox_command, ["--dir", str(folder), *option])

    assert refused.exit_code == 2
    assert option[0] in refused.output or "times" in refused.output


def test_a_port_that_is_taken(folder: Path, client: Client) -> None:
    """
    A port that somebody else has is named, without a traceback.
    """
    port = client.sandbox.origin.rsplit(":", 1)[1]
    command = ["--dir", str(folder), "--port", port]
    refused = subprocess.run([*COMMAND, *command], capture_output=True, check=False, timeout=20)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Error: cannot listen on 127.0.0.1:{port}: ".encode())


def test_a_slow_process(folder: Path) -> None:
    """
    A process that is told its latency takes it.
    """
    with process("--dir", folder, "--latency", "0.7s") as (_, said):
        health = said["url"].replace("/npp10", "/sandbox/health")
        start = time.monotonic()

        assert requests.get(health, verify=said["ca_file"], timeout=5).status_code == 200
        assert time.monotonic() - start >= 0.7


def test_the_table_can_be_printed() -> None:
    """
    The command prints every scenario with its account.
    """
    printed = CliRunner().invoke(sandbox_command, ["--scenarios"]).output

    assert all(s.name in printed and s.account_no in printed for s in SCENARIOS)


def test_a_stalled_handshake_blocks_nobody(client: Client, number: str) -> None:
    """
    While clients connect and say nothing, others are served.
    """
    port = int(client.sandbox.origin.rsplit(":", 1)[1])
    stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        assert client.pay(out_trade_no=number)["response_code"] == "0000"
    finally:
        for connection in stalled:
            connection.close()


def test_strict_verification(client: Client) -> None:
    """
    The certificate passes X.509's strict checks, which newer Pythons make by default.
    """
    context = ssl.create_default_context(cafile=client.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = int(client.sandbox.origin.rsplit(":", 1)[1])
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.version() == "TLSv1.3"


def handlers() -> int:
    """
    How many connections are being served in this process.
    """
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def test_a_client_that_hangs_up_is_noticed(client: Client, number: str) -> None:
    """
    A reply that is held back is given up when the client goes away.
    """
    wait_for(lambda: handlers() == 0)
    with pytest.raises(requests.ReadTimeout):
        client.send(
            timeout=0.2, out_trade_no=number, payee_account_no=ACCOUNT["read_timeout_booked"]
        )
    wait_for(lambda: handlers() == 0)

    assert client.row(number)["debits"] == 1


def test_held_connections_end_with_the_sandbox(keys: Keys, merchant: Merchant) -> None:
    """
    Neither a reply that is held back nor a stalled handshake delays the end.
    """
    sandbox = Sandbox(keys)
    sandbox.start()
    client = Client(sandbox, str(keys.ca_file), merchant)
    port = int(sandbox.origin.rsplit(":", 1)[1])
    outcome: list[type[Exception]] = []

    def send() -> None:
        try:
            client.send(timeout=30, payee_account_no=ACCOUNT["read_timeout_booked"])
        except requests.ConnectionError as fault:
            outcome.append(type(fault))

    with socket.create_connection(("127.0.0.1", port)):
        sender = threading.Thread(target=send)
        sender.start()
        wait_for(lambda: sandbox.books.report()["debits"] == 1)
        start = time.monotonic()
        sandbox.stop()
        sender.join()

    assert time.monotonic() - start < 2
    assert outcome == [requests.ConnectionError]

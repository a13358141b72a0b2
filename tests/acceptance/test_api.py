"""
The HTTP API as its own processes: a payout that is handed over is paid, and its producer sees it.
"""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import requests

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.stack import Stack
from worker.embedded.broker import free_port
from worker.embedded.children import Child
from worker.payouts.producers import Scope
from worker.store.ledger import SqlLedger
from worker.usecases.producers import Registrar

#: What the process that reads is given: which database, and whose payouts.
READS = ("DATABASE_URL", "PROFILE", "CUSTOMER_NO")
#: What the one that accepts is given besides.
ACCEPTS = ("KEYRING", "BROKER_URL", "GATEWAY_URL", "NOTIFY_URL")

SILENT = 50

ACCOUNT = "620000000000000002"
JOB = {
    "amount_fen": 12_345,
    "payee_account_no": ACCOUNT,
    "payee_account_name": "张三",
    "payee_bank_code": "CMB",
    "payee_account_type": "P",
    "subject": "withdrawal 42",
}


def given(stack: Stack, *names: str) -> dict[str, str]:
    """
    Some of the stack's settings, and nothing else of ours.
    """
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PAYOUTS_")}
    wanted = {f"PAYOUTS_{name}" for name in names}
    return plain | {k: v for k, v in stack.environment.items() if k in wanted}


@contextlib.contextmanager
def serving(stack: Stack, scope: Scope, *settings: str) -> Iterator[tuple[str, Child]]:
    """
    One of the two processes with these settings alone; its address.
    """
    port = free_port()
    child = Child(
        [sys.executable, "-m", "worker", "api", f"--{scope}", "--port", str(port)],
        log=stack.directory / f"api-{scope}.log",
        env=given(stack, *settings),
        cwd=stack.directory / "empty",
    )
    url = f"http://127.0.0.1:{port}"
    with child:
        until(lambda: is_well(url), PATIENCE)
        yield url, child
        child.kill()


def is_well(url: str) -> bool:
    """
    Whether a process says that it can do its work.
    """
    try:
        return requests.get(f"{url}/health", timeout=10).status_code == 200
    except requests.ConnectionError:
        return False


def token(ledger: SqlLedger, producer: str, scope: Scope) -> dict[str, str]:
    """
    The header by which a producer shows who it is.
    """
    _, secret = Registrar(ledger, "cli:mei").issue(producer, scope, "")
    return {"Authorization": f"Bearer {secret}"}


def test_a_yes_is_durable_and_its_payout_is_paid() -> None:
    """
    Kill -9 as soon as it was said: the payout is paid, as the process tells that holds no key.
    """
    with (
        a_stack() as (stack, ledger),
        serving(stack, Scope.READ, *READS) as (reads, _),
        serving(stack, Scope.ACCEPT, *READS, *ACCEPTS) as (accepts, accepting),
    ):
        Registrar(ledger, "cli:mei").add("shop")
        Registrar(ledger, "cli:mei").add("payroll")
        own, others = (token(ledger, name, Scope.READ) for name in ("shop", "payroll"))
        job = JOB | {"out_trade_no": "ORDER0001"}

        answer = requests.post(
            f"{accepts}/v1/payouts",
            json=job,
            headers=token(ledger, "shop", Scope.ACCEPT),
            timeout=30,
        )
        accepting.kill()
        address = f"{reads}/v1/payouts/ORDER0001"

        def told() -> dict[str, Any]:
            found: dict[str, Any] = requests.get(address, headers=own, timeout=30).json()
            return found

        until(lambda: told()["status"] == "paid", PATIENCE)
        seen = told()
        hidden = requests.get(address, headers=others, timeout=30)
        booked = {order["out_trade_no"] for order in stack.books()["orders"]}
        logs = "".join(path.read_text() for path in stack.directory.glob("api-*.log"))

    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    assert (seen["returned_fen"], seen["safe_to_repay"]) == (0, False)
    assert hidden.status_code == 404
    assert booked == {"ORDER0001"}
    assert ACCOUNT not in logs
    assert "张三" not in logs
    assert "payouts_" not in logs.replace("jdpay_payouts", "")


def test_connections_that_say_nothing_keep_nobody_waiting() -> None:
    """
    Fifty silent ones and fifty half-sent requests to each process, and it answers at once.
    """
    with (
        contextlib.ExitStack() as connections,
        a_stack() as (stack, _),
        serving(stack, Scope.READ, *READS) as (reads, _),
        serving(stack, Scope.ACCEPT, *READS, *ACCEPTS) as (accepts, _),
    ):
        for url in (reads, accepts):
            host, _, port = url.removeprefix("http://").rpartition(":")
            for place in range(2 * SILENT):
                silent = connections.enter_context(socket.create_connection((host, int(port))))
                if place % 2:
                    silent.sendall(b"POST /v1/payouts HTTP/1.1\r\nHost: us\r\nContent-Le")
            assert is_well(url)


def test_a_yes_does_not_wait_for_the_broker() -> None:
    """
    A broker that takes the connection and says nothing keeps nobody from a durable yes.
    """
    with a_stack() as (stack, ledger), socket.create_server(("127.0.0.1", 0)) as silent:
        stack.environment["PAYOUTS_BROKER_URL"] = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with serving(stack, Scope.ACCEPT, *READS, *ACCEPTS) as (accepts, _):
            headers = token(ledger, "unsealed", Scope.ACCEPT)
            for place in range(3):
                job = JOB | {"out_trade_no": f"ORDER000{place}"}
                url = f"{accepts}/v1/payouts"
                # The broker is given 10 s to speak.
                answer = requests.post(url, json=job, headers=headers, timeout=8)
                assert answer.status_code == 201
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        assert ledger.find(merchant, "ORDER0002") is not None

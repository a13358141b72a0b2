"""
What arrives at the queue, in every shape: nothing is lost without a trace, nothing is printed.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.broker.names import QueueName
from worker.demo.stack import Stack
from worker.demo.story import cast, job
from worker.payouts.model import Rejection
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger

Parts = tuple[Stack, SqlLedger]

#: Stands in every hostile message, and must stand in no log.
SECRET = "6217000000000009999"


def _payable() -> dict[str, object]:
    return job(cast()[0], 4_200)


def _push(stack: Stack, item: bytes | str) -> None:
    with redis.Redis.from_url(stack.broker.url) as broker:
        broker.lpush(QueueName.ENTRY.value, item)


def _envelope(body: bytes, **headers: object) -> str:
    """
    A message as a producer without Celery might write it.
    """
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": "payouts.enqueue", "id": "a", "lang": "py", **headers},
            "properties": {
                "body_encoding": "base64",
                "delivery_tag": "t",
                "delivery_info": {"exchange": "", "routing_key": QueueName.ENTRY.value},
                "correlation_id": "a",
            },
        }
    )


def _logs(stack: Stack) -> str:
    return "".join(log.read_text(errors="replace") for log in stack.directory.glob("*.log"))


def _is_paid(parts: Parts, number: object) -> bool:
    stack, ledger = parts
    payout = ledger.find(stack.environment["PAYOUTS_CUSTOMER_NO"], str(number))
    return payout is not None and payout.status is PayoutStatus.PAID


def test_a_script_with_nothing_but_celery_can_enqueue(stack_and_ledger: Parts) -> None:
    """
    The five lines of docs/producers.md have a payout paid.
    """
    stack, _ = stack_and_ledger
    wanted = _payable()
    script = (
        "import celery, json, sys\n"
        "app = celery.Celery(broker=sys.argv[1])\n"
        "job = json.load(sys.stdin)\n"
        "app.send_task('payouts.enqueue', kwargs={'job': job}, queue='payouts.entry')\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, stack.broker.url],
        input=json.dumps(wanted).encode(),
        cwd=stack.directory / "empty",
        check=True,
    )

    until(lambda: _is_paid(stack_and_ledger, wanted["out_trade_no"]), PATIENCE)


def test_hostile_messages_leave_a_rejection_and_the_next_is_served(
    stack_and_ledger: Parts,
) -> None:
    """
    Undecodable, unregistered, oversized and invalid messages are traced, never printed.
    """
    stack, ledger = stack_and_ledger
    producer = Celery(broker=stack.broker.url, set_as_current=False)
    entry = QueueName.ENTRY.value
    _push(stack, _envelope(b'{"job": "' + SECRET.encode()))
    _push(stack, _envelope(f'[[], {{"job": "{SECRET}"}}, {{}}]'.encode(), task={"not": "a name"}))
    _push(stack, _envelope(f'["{SECRET}"]'.encode(), task="payouts.enqueue", timelimit=SECRET))
    producer.send_task("no.such.task", kwargs={"job": SECRET}, queue=entry)
    producer.send_task("payouts.enqueue", kwargs={"job": {"x": SECRET * 600_000}}, queue=entry)
    producer.send_task("payouts.enqueue", args=(SECRET,), queue=entry)
    invalid = {**_payable(), "payee_account_no": f"{SECRET} ", "amount_fen": 0}
    producer.send_task("payouts.enqueue", kwargs={"job": invalid}, queue=entry)
    wanted = _payable()
    producer.send_task("payouts.enqueue", kwargs={"job": wanted}, queue=entry)
    producer.close()
    until(lambda: _is_paid(stack_and_ledger, wanted["out_trade_no"]), PATIENCE)
    until(lambda: len(ledger.rejections(20)) == 7, PATIENCE)
    found = ledger.rejections(20)

    assert _reasons(found)["unknown_task"] == 1
    assert _reasons(found)["undecodable"] >= 1
    assert _reasons(found)["too_large"] == 1
    assert _reasons(found)["invalid"] >= 2
    assert max(r.size_bytes for r in found) > 10_000_000
    assert all(len(r.sha256) == 64 for r in found)
    assert SECRET not in _logs(stack)
    assert SECRET not in repr(found)


def _reasons(found: object) -> dict[str, int]:
    assert isinstance(found, list | tuple)
    counts: dict[str, int] = {}
    for rejection in found:
        assert isinstance(rejection, Rejection)
        counts[rejection.reason] = counts.get(rejection.reason, 0) + 1
    return counts


def test_an_item_that_is_no_message_ends_the_worker_and_loses_nothing(
    stack_and_ledger: Parts,
) -> None:
    """
    The supervisor restarts the worker, and what was accepted and what was waiting goes on.
    """
    stack, _ = stack_and_ledger
    _push(stack, f"no message: {SECRET}")
    worker = stack.children["worker"]
    until(lambda: not worker.is_alive(), PATIENCE)
    wanted = _payable()
    with Celery(broker=stack.broker.url, set_as_current=False) as producer:
        producer.send_task("payouts.enqueue", kwargs={"job": wanted}, queue=QueueName.ENTRY.value)
    stack.kill("worker")
    stack.start("worker")

    until(lambda: _is_paid(stack_and_ledger, wanted["out_trade_no"]), PATIENCE)
    assert SECRET not in _logs(stack)


def test_the_same_job_again_is_the_same_payout_and_another_one_is_rejected(
    stack_and_ledger: Parts,
) -> None:
    """
    A repeated job is paid once; the number with another amount, or the obligation again, is not.
    """
    stack, ledger = stack_and_ledger
    wanted = _payable()
    number = str(wanted["out_trade_no"])
    other_amount = {**wanted, "amount_fen": 4_300}
    other_number = {**wanted, "out_trade_no": f"{number}X", "obligation": number}
    with Celery(broker=stack.broker.url, set_as_current=False) as producer:
        for each in (wanted, wanted, other_amount, other_number):
            producer.send_task("payouts.enqueue", kwargs={"job": each}, queue="payouts.entry")
            if each is wanted:
                until(lambda: _is_paid(stack_and_ledger, number), PATIENCE)
    until(lambda: len(ledger.rejections(10)) == 2, PATIENCE)

    assert {r.reason for r in ledger.rejections(10)} == {"number_reused", "obligation_taken"}
    assert stack.books()["debits"] == 1


@pytest.fixture(scope="module")
def paid() -> Iterator[tuple[Stack, dict[str, object]]]:
    """
    A stack of its own whose one payout, with all that a job may tell of its payee, was paid.
    """
    wanted = {**_payable(), "payee_mobile": "13800138000", "payee_id_type": "ID"}
    wanted["payee_id_no"] = "11010519491231002X"
    with a_stack() as parts:
        stack, _ = parts
        with Celery(broker=stack.broker.url, set_as_current=False) as producer:
            producer.send_task("payouts.enqueue", kwargs={"job": wanted}, queue="payouts.entry")
        until(lambda: _is_paid(parts, wanted["out_trade_no"]), PATIENCE)
        yield stack, wanted


@pytest.mark.parametrize("name", ["worker", "receiver", "beat"])
def test_no_log_names_a_payee(paid: tuple[Stack, dict[str, object]], name: str) -> None:
    """
    After a payout through every process, no log holds its account number or its name.
    """
    stack, wanted = paid
    log = Path(stack.directory / f"{name}.log").read_text(errors="replace")

    personal = ("payee_account_no", "payee_account_name", "payee_mobile", "payee_id_no")
    assert [field for field in personal if str(wanted[field]) in log] == []

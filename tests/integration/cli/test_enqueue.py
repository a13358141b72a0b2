"""
Handing jobs to the worker, over a real broker.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from tests.integration.cli.conftest import Run, taken
from tests.integration.cli.samples import (
    ACCOUNT,
    NUMBER,
    PRIVATE,
    a_job,
    queued,
)
from worker import acceptance
from worker.intake.message import receive
from worker.store.ledger import SqlLedger


def test_a_job_reaches_the_entry_queue(run: Run, broker: str) -> None:
    """
    One job from standard input becomes one message, as it was written.
    """
    result = run("enqueue", "-", "--json", text=json.dumps(a_job()))

    assert result.exit_code == 0
    assert json.loads(result.stdout)["jobs"] == [
        {
            "index": 0,
            "out_trade_no": NUMBER,
            "state": "waiting",
            "payout_id": None,
            "held": None,
            "faults": [],
        }
    ]
    assert taken(broker) == [{"job": a_job()}]


def test_it_says_when_a_job_is_accepted(run: Run, broker: str) -> None:
    """
    Waiting is not accepted, and the operator is told how to see the difference.
    """
    result = run("enqueue", "-", text=json.dumps(a_job()))

    assert result.stdout == f"{NUMBER} waiting for a worker\n"
    assert "accepted once its row is committed: `payouts show NUMBER`" in result.stderr


def test_a_file_may_hold_many(run: Run, broker: str, tmp_path: Path) -> None:
    """
    An array is sent job by job, in its order.
    """
    path = tmp_path / "工资.json"
    path.write_text(json.dumps([a_job("SALARY01"), a_job("SALARY02")]))

    run("enqueue", str(path))

    assert [m["job"]["out_trade_no"] for m in taken(broker)] == ["SALARY01", "SALARY02"]


def test_one_bad_job_stops_all(run: Run, broker: str) -> None:
    """
    Every fault of every job is named with its place, no value is, and nothing is sent.
    """
    jobs = [a_job("SALARY01"), a_job("SALARY02", amount_fen=0, payee_bank_code="CMBX"), 7]

    result = run("enqueue", "-", "--json", text=json.dumps(jobs))
    told = json.loads(result.stdout)

    assert result.exit_code == 1
    assert [(j["index"], j["out_trade_no"], len(j["faults"])) for j in told["jobs"]] == [
        (1, "SALARY02", 2),
        (2, None, 1),
    ]
    assert "jobs[1] amount_fen:" in result.stderr
    assert [text for text in PRIVATE if text in result.output] == []
    assert taken(broker) == []


def test_a_job_that_is_too_late_is_refused_at_once(run: Run, broker: str) -> None:
    """
    A past `send_before` is named beside every other fault, and nothing is sent.
    """
    jobs = [
        a_job("SALARY01", send_before="2020-01-01T12:00:00+08:00"),
        a_job("SALARY02", amount_fen=0),
    ]

    result = run("enqueue", "-", text=json.dumps(jobs))

    assert result.exit_code == 1
    assert "jobs[0] send_before: this moment has passed" in result.stderr
    assert "jobs[1] amount_fen:" in result.stderr
    assert taken(broker) == []


def test_no_broker_loses_nothing(run: Run, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    """
    Without a broker: exit code 1, its address without the password, and what to do.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", f"redis://:hunter2@127.0.0.1:{free_port}/0")

    result = run("enqueue", "-", "--json", text=json.dumps(a_job()))

    assert result.exit_code == 1
    assert "0 of 1 jobs were sent" in json.loads(result.stdout)["error"]
    assert f"the broker redis://127.0.0.1:{free_port} cannot be reached" in result.stderr
    assert "hunter2" not in result.output


def test_waiting_sees_the_acceptance(run: Run, worker_takes: None) -> None:
    """
    With `--wait` the command ends when the row is committed, and names the payout.
    """
    result = run("enqueue", "-", "--wait", "30", "--json", text=json.dumps(a_job()))
    (job,) = json.loads(result.stdout)["jobs"]

    assert result.exit_code == 0
    assert (job["state"], job["payout_id"], job["held"]) == ("accepted", 1, False)


@pytest.fixture
def configured_worker_takes(monkeypatch: pytest.MonkeyPatch, healthy: None, broker: str) -> None:
    """
    The same, by a worker that reads its settings when it takes the first.
    """

    def work(_seconds: float) -> None:
        for kwargs in taken(broker):
            receive(acceptance.acceptor(), kwargs)

    monkeypatch.setattr("worker.cli.arrival.time.sleep", work)


def test_waiting_sees_that_it_is_held(
    run: Run, configured_worker_takes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A payee on the review list of the settings: accepted all the same, and who moves it on.
    """
    monkeypatch.setenv("PAYOUTS_REVIEW_ACCOUNTS", f"622848001,{ACCOUNT}")

    told = run("enqueue", "-", "--wait", "30", text=json.dumps(a_job()))
    again = run("enqueue", "-", "--wait", "30", "--json", text=json.dumps(a_job()))
    (job,) = json.loads(again.stdout)["jobs"]

    assert (told.exit_code, again.exit_code) == (0, 0)
    assert f"{NUMBER} accepted as payout 1; it is held: `payouts let-go`" in told.stdout
    assert (job["state"], job["payout_id"], job["held"]) == ("accepted", 1, True)
    story = run("show", NUMBER).stdout
    assert "review list" in story
    assert ACCOUNT not in told.output + again.output + story


def test_what_was_asked_for_twice_is_held(
    run: Run, configured_worker_takes: None, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The settings say for how long payments are compared, and the entry does so.
    """
    monkeypatch.setenv("PAYOUTS_DUPLICATES_WITHIN", "24h")
    queued(ledger, "ORDER009")

    result = run("enqueue", "-", "--wait", "30", "--json", text=json.dumps(a_job()))

    assert json.loads(result.stdout)["jobs"][0]["held"]
    assert "for another debt" in run("show", NUMBER).stdout


def test_waiting_sees_the_rejection(run: Run, worker_takes: None, ledger: SqlLedger) -> None:
    """
    The same number with another amount is rejected, with the field that differs.
    """
    queued(ledger, amount_fen=5)

    result = run("enqueue", "-", "--wait", "30", "--json", text=json.dumps(a_job()))
    (job,) = json.loads(result.stdout)["jobs"]

    assert result.exit_code == 1
    assert (job["state"], job["faults"][0]) == ("rejected", "number_reused")
    assert "amount_fen" in job["faults"][1]


def test_the_same_job_again_is_the_same_payout(
    run: Run, worker_takes: None, ledger: SqlLedger
) -> None:
    """
    A producer that repeats itself learns the payout that it has.
    """
    payout_id = queued(ledger)

    result = run("enqueue", "-", "--wait", "30", "--json", text=json.dumps(a_job()))

    assert json.loads(result.stdout)["jobs"][0]["payout_id"] == payout_id


def test_waiting_ends(
    run: Run, broker: str, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a worker the command gives up, and says that the job still waits.
    """
    result = run("enqueue", "-", "--wait", "0.01", "--json", text=json.dumps(a_job()))

    assert result.exit_code == 1
    assert "is a worker running?" in json.loads(result.stdout)["error"]
    assert len(taken(broker)) == 1


def test_a_broker_that_fails_midway(
    run: Run, broker: str, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What was sent is told, and that the whole file may be sent again.
    """
    send_task = app.send_task

    def fail_at_the_second(name: str, kwargs: dict[str, Any], **options: Any) -> None:
        if kwargs["job"]["out_trade_no"] == "SALARY02":
            raise OperationalError("connection refused")
        send_task(name, kwargs=kwargs, **options)

    monkeypatch.setattr(app, "send_task", fail_at_the_second)
    jobs = [a_job("SALARY01"), a_job("SALARY02")]

    result = run("enqueue", "-", "--json", text=json.dumps(jobs))
    told = json.loads(result.stdout)

    assert result.exit_code == 1
    assert [job["out_trade_no"] for job in told["jobs"]] == ["SALARY01"]
    assert told["error"].startswith("1 of 2 jobs were sent before the broker failed")

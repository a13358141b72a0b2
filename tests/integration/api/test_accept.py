"""
Handing payouts over: one acceptance with the entry task, and the answer is a durable yes.
"""

import io
import json
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client

from tests.contract.samples import MERCHANT, TERMS, VirtualClock, claimed
from tests.doubles.world import RecordingDispatcher
from tests.integration.api.conftest import REVIEWED, Producer
from tests.integration.api.samples import ACCOUNT, a_job, places, problem
from worker.intake.message import receive
from worker.intake.sealing import SealedJobs
from worker.payouts.policy.controls import ReviewList
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.accept import Acceptor


def test_a_job_becomes_a_payout(
    shop: Producer, ledger: SqlLedger, dispatcher: RecordingDispatcher
) -> None:
    """
    201, and it is in the database, as the producer's own, with a worker woken for it.
    """
    answer = shop.post("/v1/payouts", a_job(obligation="SALARY-7"))

    payout = ledger.find(MERCHANT, "ORDER0001")
    assert payout is not None
    assert (answer.status_code, payout.producer) == (201, "shop")
    assert ledger.order(payout.id).payee.account_no == ACCOUNT
    assert answer.json is not None
    told = {name: answer.json[name] for name in ("out_trade_no", "status", "amount_fen")}
    assert told == {"out_trade_no": "ORDER0001", "status": "queued", "amount_fen": 12_345}
    assert answer.json["obligation"] == "SALARY-7"
    assert answer.json["accepted_at"] == "2026-03-02T12:00:00.123456Z"
    assert dispatcher.woken == ["sender"]


def test_the_answer_holds_no_payee_data(shop: Producer) -> None:
    """
    Of the account its ends, of the name nothing, nor of any free text.
    """
    answer = shop.post("/v1/payouts", a_job(metadata={"note": "张三丰"}))

    assert ACCOUNT not in answer.text
    assert "张三丰" not in json.dumps(answer.json, ensure_ascii=False)
    assert "withdrawal 42" not in answer.text
    assert answer.json is not None
    assert answer.json["payee_masked"] == "6200 **** **** 0002"


def test_the_same_again_is_the_same_payout(
    shop: Producer, ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    200 however often and however late, with what has become of it meanwhile.
    """
    first = shop.post("/v1/payouts", a_job())
    payout = ledger.find(MERCHANT, "ORDER0001")
    assert payout is not None
    claimed(ledger, payout)
    clock.advance(days=3)

    again = shop.post("/v1/payouts", a_job())

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json is not None
    assert again.json["status"] == "sending"
    assert ledger.count() == 1


def test_celery_and_http_are_one_acceptance(shop: Producer, ledger: SqlLedger) -> None:
    """
    A number that came over the broker is taken, since that is another producer.
    """
    acceptor = Acceptor(ledger, RecordingDispatcher(), TERMS, ReviewList(), SealedJobs())
    receive(acceptor, {"job": a_job()})

    answer = shop.post("/v1/payouts", a_job())

    assert problem(answer) == (409, "number_in_use")
    assert places(answer) == {"#/out_trade_no"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"amount_fen": 1}, "#/amount_fen"),
        ({"payee_account_no": "620000000000000003"}, "#/payee_account_no"),
        ({"payee_account_name": "李四"}, "#/payee_account_name"),
        ({"obligation": "other"}, "#/obligation"),
    ],
)
def test_other_content_is_a_conflict(
    shop: Producer, ledger: SqlLedger, changes: dict[str, Any], place: str
) -> None:
    """
    409 that names the field; the payout stays what it was, and the rejection is listed.
    """
    shop.post("/v1/payouts", a_job())

    answer = shop.post("/v1/payouts", a_job(**changes))

    assert problem(answer) == (409, "number_reused")
    assert places(answer) == {place}
    (rejection,) = ledger.rejections(9)
    assert (rejection.reason, rejection.producer) == ("number_reused", "shop")


def test_another_producers_number_is_taken_whatever_the_content(
    shop: Producer, payroll: Producer
) -> None:
    """
    The answer is the same, byte for byte, whether the content is the same or not.
    """
    shop.post("/v1/payouts", a_job())

    same = payroll.post("/v1/payouts", a_job())
    other = payroll.post("/v1/payouts", a_job(amount_fen=1, payee_account_no="6217000000000001"))

    assert problem(same) == problem(other) == (409, "number_in_use")
    assert same.data == other.data


def test_a_debt_is_paid_once(shop: Producer, payroll: Producer) -> None:
    """
    Its own payout is named to a producer, another's is not.
    """
    shop.post("/v1/payouts", a_job(obligation="SALARY-7"))

    own = shop.post("/v1/payouts", a_job("ORDER0002", obligation="SALARY-7"))
    anothers = payroll.post("/v1/payouts", a_job("ORDER0003", obligation="SALARY-7"))

    assert problem(own) == problem(anothers) == (409, "obligation_taken")
    assert "ORDER0001" in own.text
    assert "ORDER0001" not in anothers.text
    assert "12345" not in anothers.text


def test_a_job_that_is_too_late_is_a_conflict(shop: Producer) -> None:
    """
    It is not accepted only to be held.
    """
    answer = shop.post("/v1/payouts", a_job(send_before="2026-03-02T20:00:00+08:00"))

    assert problem(answer) == (409, "expired")


def test_every_fault_of_a_job_is_named(shop: Producer, ledger: SqlLedger) -> None:
    """
    422 with a pointer to each, no value quoted, and one rejection on the operators' list.
    """
    job = a_job(amount_fen="12345", payee_account_no="6222-0000", payee_bank_code="CMBX", extra=1)
    del job["subject"]

    answer = shop.post("/v1/payouts", job)

    assert problem(answer) == (422, "invalid")
    assert places(answer) == {
        *("#/amount_fen", "#/payee_account_no", "#/payee_bank_code", "#/extra", "#/subject"),
    }
    assert "6222" not in answer.text
    (rejection,) = ledger.rejections(9)
    assert (rejection.reason, rejection.producer, len(rejection.faults)) == ("invalid", "shop", 5)


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null"])
def test_a_body_that_is_no_object_is_invalid(shop: Producer, accepting: Flask, body: bytes) -> None:
    """
    One job is one object.
    """
    answer = _sent(shop, accepting, body)

    assert problem(answer) == (422, "invalid")
    assert places(answer) == {"#"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "line 1"),
        (b'{"out_trade_no": ', "line 1"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"amount_fen": 1, "amount_fen": 2}', "same key twice"),
        (b'{"amount_fen": NaN}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"amount_fen": ' + b"9" * 5_001 + b"}", "more digits"),
    ],
)
def test_a_body_that_is_no_json_is_unreadable(
    shop: Producer, accepting: Flask, ledger: SqlLedger, body: bytes, told: str
) -> None:
    """
    400 that says where, and nothing is kept of it.
    """
    answer = _sent(shop, accepting, body)

    assert problem(answer) == (400, "unreadable")
    assert told in answer.text
    assert ledger.rejections(9) == []


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_says_that_it_is_json(shop: Producer, accepting: Flask, content_type: str) -> None:
    """
    415 for what says otherwise, though it may be.
    """
    body = json.dumps(a_job()).encode()

    assert problem(_sent(shop, accepting, body, content_type)) == (415, "unsupported_media_type")
    assert _sent(shop, accepting, body, "application/json; charset=utf-8").status_code == 201


@pytest.mark.parametrize("path", ["/v1/payouts", "/v1/payouts/ORDER0001/cancel"])
def test_a_large_body_is_refused(shop: Producer, accepting: Flask, path: str) -> None:
    """
    413 beyond 256 KiB, one byte more and not one less.
    """
    most = 256 * 1024
    just = b'{"why": "' + b"x" * (most - 11) + b'"}'

    assert _sent(shop, accepting, just, path=path).status_code == 422
    assert problem(_sent(shop, accepting, just + b" ", path=path)) == (413, "too_large")


def test_a_body_of_unknown_length_is_not_cut_off(shop: Producer, accepting: Flask) -> None:
    """
    In chunks: what is too large is 413, though its beginning were a job.
    """
    body = json.dumps(a_job()).encode().ljust(256 * 1024)

    def chunked(content: bytes) -> Any:
        headers = {"Authorization": f"Bearer {shop.accept}", "Content-Type": "application/json"}
        environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        stream = io.BytesIO(content)
        return Client(accepting).post(
            "/v1/payouts", input_stream=stream, headers=headers, environ_overrides=environ
        )

    assert problem(chunked(body + b"x")) == (413, "too_large")
    assert problem(chunked(body + b"x" * 999_999)) == (413, "too_large")
    assert chunked(body).status_code == 201


def test_a_payee_on_the_review_list_is_held(shop: Producer, ledger: SqlLedger) -> None:
    """
    The controls are those of the entry task.
    """
    answer = shop.post("/v1/payouts", a_job(payee_account_no=REVIEWED))

    assert answer.json is not None
    assert (answer.json["status"], answer.json["needs_attention"]) == ("held", True)


def test_no_yes_is_said_of_what_is_not_committed(
    shop: Producer, engine: sa.Engine, ledger: SqlLedger
) -> None:
    """
    A commit that fails is 503, to be repeated; then the same job is accepted.
    """

    def break_down(_conn: sa.Connection) -> None:
        raise OperationalError("COMMIT", {}, psycopg.OperationalError("gone"))

    event.listen(engine, "commit", break_down)
    answer = shop.post("/v1/payouts", a_job())
    event.remove(engine, "commit", break_down)

    assert problem(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert ledger.find(MERCHANT, "ORDER0001") is None
    assert shop.post("/v1/payouts", a_job()).status_code == 201


def test_a_producer_withdraws_its_own(shop: Producer, ledger: SqlLedger) -> None:
    """
    200 with what it is now, again and again; the record has the reason.
    """
    shop.post("/v1/payouts", a_job())

    for _ in range(2):
        answer = shop.post("/v1/payouts/ORDER0001/cancel", {"why": "a typing error"})
        assert answer.status_code == 200
        assert answer.json is not None
        assert (answer.json["status"], answer.json["safe_to_repay"]) == ("cancelled", False)
    payout = ledger.find(MERCHANT, "ORDER0001")
    assert payout is not None
    (decision,) = ledger.decisions(payout.id)
    assert (decision.who, decision.why) == ("producer:shop", "a typing error")


def test_a_withdrawal_needs_no_body(shop: Producer) -> None:
    """
    Neither a body nor a reason; but what is sent is read.
    """
    shop.post("/v1/payouts", a_job())

    assert problem(shop.post("/v1/payouts/ORDER0001/cancel", {"reason": "x"})) == (422, "invalid")
    assert problem(_sent(shop, shop.accepting, b"null", path="/v1/payouts/ORDER0001/cancel")) == (
        *(422, "invalid"),
    )
    assert problem(shop.post("/v1/payouts/ORDER0001/cancel", {"why": ""})) == (422, "invalid")
    assert shop.post("/v1/payouts/ORDER0001/cancel").status_code == 200


def test_nobody_withdraws_anothers(shop: Producer, payroll: Producer, ledger: SqlLedger) -> None:
    """
    404, word for word as of a number that nobody has.
    """
    shop.post("/v1/payouts", a_job())

    answer = payroll.post("/v1/payouts/ORDER0001/cancel")
    never = payroll.post("/v1/payouts/ORDER0009/cancel")

    assert problem(answer) == (404, "not_found")
    assert answer.data == never.data
    payout = ledger.find(MERCHANT, "ORDER0001")
    assert payout is not None
    assert payout.status is PayoutStatus.QUEUED


def test_what_may_have_been_sent_is_not_withdrawn(shop: Producer, ledger: SqlLedger) -> None:
    """
    409 that says what it is.
    """
    shop.post("/v1/payouts", a_job())
    payout = ledger.find(MERCHANT, "ORDER0001")
    assert payout is not None
    claimed(ledger, payout)

    answer = shop.post("/v1/payouts/ORDER0001/cancel")

    assert problem(answer) == (409, "not_allowed")
    assert "sending" in answer.text


def _sent(
    producer: Producer,
    app: Flask,
    body: bytes,
    content_type: str = "application/json",
    path: str = "/v1/payouts",
) -> Any:
    headers = {"Authorization": f"Bearer {producer.accept}", "Content-Type": content_type}
    return Client(app).post(path, data=body, headers=headers)

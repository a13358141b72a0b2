"""
What is refused says what, where and what to do; and who shows no token hears nothing else.
"""

import logging

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from werkzeug.test import Client, TestResponse

from tests.contract.samples import VirtualClock
from tests.integration.api.conftest import Producer
from tests.integration.api.samples import ACCOUNT, a_job, problem
from worker.payouts.producers import Scope
from worker.store.ledger import SqlLedger
from worker.usecases.own_payouts import OwnPayouts
from worker.usecases.producers import Registrar
from worker.web.api.app import build
from worker.web.api.problems import KINDS, Code
from worker.web.api.read import ReadApi


def test_each_code_has_its_kind() -> None:
    """
    None is forgotten, each status is an error's, and each tells what to do.
    """
    assert [*KINDS] == list(Code)
    assert all(400 <= kind.status < 600 for kind in KINDS.values())
    assert all(kind.title and kind.remedy.endswith(".") for kind in KINDS.values())


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic c2hvcDpzaG9w", "Token {read}", "{read}"]
)
def test_without_a_token_nothing_is_told(
    shop: Producer, reading: Flask, authorization: str | None
) -> None:
    """
    401 that says how to show one.
    """
    headers = {}
    if authorization is not None:
        headers["Authorization"] = authorization.format(read=shop.read)

    answer = Client(reading).get("/v1/payouts", headers=headers)

    assert problem(answer) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="payouts"'


@pytest.mark.parametrize("path", ["/v1/payouts", "/v1/payouts/ORDER0001", "/v1/banks"])
@pytest.mark.parametrize("token", ["payouts_read_guess", "x" * 10_000, "é" * 40])
def test_a_wrong_token_is_none(shop: Producer, path: str, token: str) -> None:
    """
    401, not quoted, whatever is asked for.
    """
    answer = shop.get(path, token=token)

    assert problem(answer) == (401, "unauthenticated")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert token not in answer.text


def test_a_token_is_good_for_one_thing(shop: Producer) -> None:
    """
    403: who reads cannot hand over, and the reverse.
    """
    for answer in (
        shop.post("/v1/payouts", a_job(), token=shop.read),
        shop.post("/v1/payouts/ORDER0001/cancel", token=shop.read),
        shop.get("/v1/payouts", token=shop.accept),
        shop.get("/v1/payouts/ORDER0001", token=shop.accept),
        shop.get("/v1/banks", token=shop.accept),
    ):
        assert problem(answer) == (403, "forbidden")
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_token_that_ended_is_none(shop: Producer, ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    From the next request on: revoked, or with its producer.
    """
    registrar = Registrar(ledger, "cli:mei")
    token, secret = registrar.issue("shop", Scope.READ, "")
    assert shop.get("/v1/payouts", token=secret).status_code == 200

    registrar.revoke(token.id, "leaked")
    assert problem(shop.get("/v1/payouts", token=secret)) == (401, "unauthenticated")
    assert shop.get("/v1/payouts").status_code == 200
    registrar.disable("shop", "sold")
    assert problem(shop.get("/v1/payouts")) == (401, "unauthenticated")
    assert problem(shop.post("/v1/payouts", a_job())) == (401, "unauthenticated")


def test_who_shows_no_token_is_not_read(accepting: Flask, ledger: SqlLedger) -> None:
    """
    Neither a body that cannot be read, nor a job: no rejection is kept of it.
    """
    for body in (b"{", b'{"a": 1}'):
        answer = Client(accepting).post("/v1/payouts", data=body, content_type="application/json")
        assert problem(answer) == (401, "unauthenticated")
    assert ledger.rejections(9) == []


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/payouts/", "//v1/payouts", "/v1/payouts/A/B"])
def test_an_unknown_address_is_not_found(shop: Producer, path: str) -> None:
    """
    404, and nobody is sent to another address, where a token would follow.
    """
    assert problem(shop.get(path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/v1/payouts", "DELETE", {"POST"}),
        ("/v1/payouts", "GET", {"POST"}),
        ("/v1/payouts", "OPTIONS", {"POST"}),
        ("/v1/payouts/ORDER0001/cancel", "PUT", {"POST"}),
    ],
)
def test_a_method_that_is_not_there_names_those_that_are(
    accepting: Flask, path: str, method: str, allowed: set[str]
) -> None:
    """
    405 with `Allow`.
    """
    answer = Client(accepting).open(path, method=method)

    assert problem(answer) == (405, "method_not_allowed")
    assert set(answer.allow) == allowed


def test_a_database_that_is_away_is_told(
    shop: Producer, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """
    503 with a time to wait, whoever asks for what.
    """

    def gone(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, psycopg.OperationalError("gone"))

    event.listen(engine, "before_cursor_execute", gone)
    answers = [shop.get("/v1/payouts"), shop.post("/v1/payouts", a_job()), shop.get("/health")]
    event.remove(engine, "before_cursor_execute", gone)

    assert {problem(answer) for answer in answers} == {(503, "unavailable")}
    assert {answer.headers["Retry-After"] for answer in answers} == {"2"}


class Careless(OwnPayouts):
    """
    A fault of ours, whose text quotes an account.
    """

    def find(self, producer: str, out_trade_no: str) -> object:  # type: ignore[override]
        """
        Fail.
        """
        raise RuntimeError(f"no place for {ACCOUNT}")


def test_a_fault_of_ours_is_told_without_its_text(
    shop: Producer, ledger: SqlLedger, caplog: pytest.LogCaptureFixture
) -> None:
    """
    500; our log says where, and neither it nor the answer quotes anything.
    """
    app = build(ledger, ReadApi(Careless(ledger, "1")).handlers, ledger.now)
    with caplog.at_level(logging.ERROR):
        answer = Client(app).get(
            "/v1/payouts/ORDER0001", headers={"Authorization": f"Bearer {shop.read}"}
        )

    assert problem(answer) == (500, "fault")
    assert ACCOUNT not in answer.text
    assert ACCOUNT not in caplog.text
    assert any(
        "RuntimeError at test_problems.py" in getattr(r, "detail", "") for r in caplog.records
    )


def test_nothing_is_kept_on_the_way(shop: Producer) -> None:
    """
    No cache keeps an answer, and no browser guesses what it is.
    """
    answers: list[TestResponse] = [shop.get("/v1/payouts"), shop.get("/nowhere")]

    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

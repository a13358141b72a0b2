"""
The Flask example: it hands over by the real HTTP API, and hears by its webhook.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.api.service import Service, serving
from tests.contract.samples import MERCHANT
from tests.examples.rules import AMOUNT_FEN, EACH_RULE, Event, Rule, Seen, an_event
from tests.examples.signing import EACH_FORGERY, KEY, Headers, posted
from tests.unit.producer.opening import SHARED, write_key
from worker.examples import flask_shop
from worker.intake import key_files
from worker.payouts.person import Person
from worker.usecases.job_keys import KeyRegistrar

Connect = Callable[..., None]

OPENING_FEN = 50_000
ASKED = {
    "amount_fen": AMOUNT_FEN,
    "payee_account_no": "620000000000000002",
    "payee_account_name": "张三",
    "payee_bank_code": "CMB",
}


class FlaskShop:
    """
    The app over a database of its own, with one withdrawal that nobody has answered yet.
    """

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        app.test_cli_runner().invoke(args=["open-account", str(OPENING_FEN)])
        self.number = self.withdraw(ASKED)

    def withdraw(self, asked: dict[str, object]) -> str:
        """
        Ask for a withdrawal; its number.
        """
        answer = self.client.post("/accounts/1/withdrawals", data=asked)
        assert answer.status_code == 202
        assert answer.json is not None
        return str(answer.json["number"])

    def post(self, body: bytes, headers: Headers) -> int:
        """
        The status with which a webhook's request is answered.
        """
        return self.client.post("/payouts", data=body, headers=headers).status_code

    def hear(self, event: Event) -> None:
        """
        Be told of an event as the relay tells it.
        """
        assert self.post(*posted(event)) == 204

    def statuses(self) -> dict[str, str]:
        """
        The status of each withdrawal, as users see it.
        """
        told = self.client.get("/accounts/1/withdrawals").json
        assert told is not None
        return {one["number"]: one["status"] for one in told["withdrawals"]}

    def seen(self) -> Seen:
        """
        What is known of the one withdrawal.
        """
        with flask_shop.transaction() as db:
            (balance_fen,) = db.execute("SELECT balance_fen FROM accounts").fetchone()
        return Seen(self.statuses()[self.number], balance_fen - OPENING_FEN + AMOUNT_FEN)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_port: int) -> FlaskShop:
    """
    The app, beside an HTTP API that is down.
    """
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "shop.sqlite"))
    monkeypatch.setenv("WEBHOOK_KEY", KEY)
    monkeypatch.setenv("PRODUCER_KEY", write_key(tmp_path / "shop.key", SHARED))
    monkeypatch.setattr(flask_shop, "API", f"http://127.0.0.1:{free_port}")
    return FlaskShop(flask_shop.app)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """
    The HTTP API, over an empty database.
    """
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def connect(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connect:
    """
    Let the app reach the API, perhaps with a key that it knows.
    """

    def connected(*, is_known: bool = True) -> None:
        monkeypatch.setattr(flask_shop, "API", service.url)
        if is_known:
            registrar = KeyRegistrar(service.ledger, Person(1000), secrets.token_bytes)
            key = key_files.shared(registrar.add_shared("shop"), MERCHANT, "sandbox")
            monkeypatch.setenv("PRODUCER_KEY", write_key(tmp_path / "known.key", json.loads(key)))

    return connected


@EACH_RULE
def test_it_keeps_the_rules(shop: FlaskShop, rule: Rule) -> None:
    """
    Those that every application keeps.
    """
    rule(shop)


@EACH_FORGERY
def test_what_is_not_signed_is_not_believed(
    shop: FlaskShop, forge: Callable[[Event], tuple[bytes, Headers]]
) -> None:
    """
    401, and nothing is stored: the true event is taken afterwards.
    """
    freed = an_event(shop.number, "obligation.freed", 4)

    assert shop.post(*forge(freed)) == 401
    assert shop.seen() == Seen("asked for")
    shop.hear(freed)
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def test_a_fault_leaves_nothing_and_is_no_yes(shop: FlaskShop) -> None:
    """
    The id is stored with the work or not at all: told again, the event still counts.
    """
    freed = an_event(shop.number, "obligation.freed", 4)
    with flask_shop.transaction() as db:
        db.execute(
            "CREATE TRIGGER away BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'away'); END"
        )
    failed = shop.post(*posted(freed))
    with flask_shop.transaction() as db:
        db.execute("DROP TRIGGER away")

    assert failed == 500
    assert shop.seen() == Seen("asked for")
    shop.hear(freed)
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def hand_over() -> None:
    """
    What cron starts.
    """
    done = flask_shop.app.test_cli_runner().invoke(args=["hand-over"], catch_exceptions=False)
    assert done.exit_code == 0


def jobs() -> dict[str, str | None]:
    """
    The jobs that are kept because nobody has answered for them, by number.
    """
    with flask_shop.transaction() as db:
        return dict(db.execute("SELECT number, job FROM withdrawals").fetchall())


def test_what_got_no_answer_is_handed_over_again_and_is_one_payout(
    shop: FlaskShop, service: Service, connect: Connect
) -> None:
    """
    The API was down; then its answer was lost. After a yes the payee is forgotten here.
    """
    kept = jobs()[shop.number]
    connect()
    hand_over()
    assert jobs() == {shop.number: None}
    with flask_shop.transaction() as db:
        db.execute("UPDATE withdrawals SET job = ?", [kept])
    hand_over()

    assert kept is not None
    assert "620000000000000002" in kept
    assert jobs() == {shop.number: None}
    assert service.ledger.count() == 1


def test_a_no_is_left_to_people(shop: FlaskShop, connect: Connect) -> None:
    """
    A job that breaks rules is not posted again, keeps nobody else waiting and gives nothing back.
    """
    wrong = shop.withdraw({**ASKED, "payee_bank_code": "NOSUCHBANK"})
    connect()
    hand_over()

    assert shop.statuses() == {shop.number: "asked for", wrong: "rejected"}
    assert jobs() == {shop.number: None, wrong: None}
    assert shop.seen() == Seen("asked for", -AMOUNT_FEN)


def test_a_key_that_is_not_known_is_no_no(shop: FlaskShop, connect: Connect) -> None:
    """
    401 says nothing of the job: it is kept until the key is right.
    """
    connect(is_known=False)
    hand_over()
    kept = jobs()
    connect()
    hand_over()

    assert kept[shop.number] is not None
    assert jobs() == {shop.number: None}


@pytest.mark.parametrize("asked", [{"amount_fen": 0}, {"amount_fen": 50_001}, {"amount_fen": "x"}])
def test_what_cannot_be_withdrawn_is_refused(shop: FlaskShop, asked: dict[str, object]) -> None:
    """
    Nothing, more than the balance, or no amount at all.
    """
    answer = shop.client.post("/accounts/1/withdrawals", data={**ASKED, **asked})

    assert answer.status_code == 422

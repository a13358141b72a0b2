"""
`payouts audit`, over whole rows and over tampered ones.
"""

import json
import os
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from tests.contract.samples import close_attempt
from tests.doubles.owner import take_fences_away
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import an_answer, answered, claimed, handler, queued
from tests.integration.web.notifications import (
    AMOUNT_FEN,
    KEY,
    MERCHANT,
    NUMBER,
    notification,
    signed,
)
from worker import bootstrap
from worker.jdpay import notice
from worker.jdpay.answer import from_reply
from worker.jdpay.signature import SignKey
from worker.payouts.evidence import TradeStatus
from worker.payouts.model import AttemptOutcome
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.ledger import SqlLedger
from worker.store.tables import installation


def tamper(url: str, statement: str) -> None:
    """
    Write something into the database from outside.
    """
    engine = create_engine(url)
    with engine.begin() as conn:
        take_fences_away(conn)
        assert conn.execute(sa.text(statement)).rowcount > 0
    engine.dispose()


@pytest.fixture
def lives(ledger: SqlLedger, merchant_settings: str) -> None:
    """
    One payout that waits and one that was paid.
    """
    queued(ledger, "ORDER001")
    answered(ledger, an_answer("ORDER002", trade_status=TradeStatus.FINI), "ORDER002")


def test_whole_rows_pass(run: Run, lives: None) -> None:
    """
    Payouts that came about by the rules break no invariant.
    """
    result = run("audit", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"ok": True, "payouts": 2, "breaches": 0, "listed": []}


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        # a status without a move, which no evidence carries either
        (
            "UPDATE payouts SET status = 'returned' WHERE out_trade_no = 'ORDER002'",
            {"I5", "I6", "I14"},
        ),
        # evidence that was never signed
        ("UPDATE evidence SET verified = 0", {"I6", "I7", "I14"}),
        # evidence about someone else's money
        ("UPDATE evidence SET amount_fen = 1", {"I6", "I7", "I13", "I14"}),
        # evidence that nobody judged
        ("UPDATE evidence SET applied_at = NULL", {"I6"}),
        # a move that left no trace
        ("DELETE FROM transitions WHERE to_status = 'paid'", {"I5", "I14"}),
        # a payout that may have been sent, put back into the queue
        (
            "UPDATE payouts SET exposed = 0, status = 'queued' WHERE out_trade_no = 'ORDER002'",
            {"I4", "I5", "I6", "I12", "I14"},
        ),
    ],
)
def test_tampered_rows_are_found(
    run: Run, lives: None, store_settings: str, tampering: str, broken: set[str]
) -> None:
    """
    Each kind of damage breaks the invariants that it should, and the exit code is 1.
    """
    tamper(store_settings, tampering)

    result = run("audit", "--json")

    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert {breach["invariant"] for breach in document["listed"]} == broken
    assert {breach["out_trade_no"] for breach in document["listed"]} == {"ORDER002"}


def test_a_checkpoint_of_the_log_must_be_there(run: Run, ledger: SqlLedger, lives: None) -> None:
    """
    It is given as the log wrote it; another one is a breach, and nonsense is refused.
    """
    noted = ledger.note_checkpoint(timedelta(0))
    assert noted is not None

    assert run("audit", "--checkpoint", str(noted)).exit_code == 0
    other = run("audit", "--json", "--checkpoint", f"7:{noted.digest[:12]}")
    (breach,) = json.loads(other.stdout)["listed"]
    assert other.exit_code == 1
    assert (breach["invariant"], breach["out_trade_no"]) == ("I14", "checkpoint 7")
    refused = run("audit", "--checkpoint", noted.digest)
    assert refused.exit_code == 2
    assert "as the log does" in refused.stderr


def test_only_what_changed_since_is_looked_at(run: Run, lives: None) -> None:
    """
    A date or how long ago, in UTC unless it names another zone; nonsense is refused with examples.
    """

    def looked_at(since: str) -> int:
        result = run("audit", "--json", "--since", since)
        assert result.exit_code == 0, result.output
        payouts: int = json.loads(result.stdout)["payouts"]
        return payouts

    assert [looked_at(since) for since in ("1h", "2026-01-01", "2999-01-01T08:30+08:00")] == [
        2,
        2,
        0,
    ]
    refused = run("audit", "--since", "yesterday")
    assert refused.exit_code == 2
    assert "as 2026-11-28" in refused.stderr
    assert "as 2d" in refused.stderr


# --- stored messages, read anew


@pytest.fixture
def told(ledger: SqlLedger, merchant_settings: str) -> None:
    """
    A payout with a reply and a notification as JD writes them.
    """
    fields = {
        "customer_no": MERCHANT,
        "out_trade_no": NUMBER,
        "response_code": "0000",
        "trade_amount": str(AMOUNT_FEN),
        "trade_currency": "CNY",
        "trade_status": "WPAR",
    }
    reply = json.dumps(signed(fields, "SHA-256", "sha256", KEY)).encode()
    payout_id = queued(ledger, NUMBER, amount_fen=AMOUNT_FEN)
    answer = from_reply(reply, SignKey(KEY))
    assert answer.verified
    close_attempt(ledger, claimed(ledger, payout_id), AttemptOutcome.ANSWERED, "0000", answer)
    found = notice.read(notification(trade_no="JD1"), SignKey(KEY)).answer
    assert found.verified
    handler(ledger).notify(found)
    handler(ledger).apply(payout_id)


def test_stored_messages_are_what_was_made_of_them(run: Run, told: None) -> None:
    """
    Each is read anew and verified; without being asked to, the audit reads none.
    """
    document = json.loads(run("audit", "--json", "--evidence").stdout)

    assert document["ok"]
    assert document["messages"] == {"verified": 2, "foreign": 0}
    assert "1 payout and 2 messages, every invariant holds" in run("audit", "--evidence").stdout
    assert "messages" not in json.loads(run("audit", "--json").stdout)


@pytest.mark.parametrize(
    ("tampering", "detail"),
    [
        # what nobody signed, called verified with what it would have said
        (
            "UPDATE evidence SET trade_no = 'JD9' WHERE source = 'reply'",
            "evidence 1 was changed, belongs elsewhere, or its key is lost",
        ),
        (
            "UPDATE evidence SET amount_fen = 1, code = 'X' WHERE source = 'notification'",
            "evidence 2 was changed, belongs elsewhere, or its key is lost",
        ),
        # the text of another message
        (
            "UPDATE evidence SET sealed_raw = (SELECT sealed_raw FROM evidence WHERE id = 1)",
            "evidence 2 was changed, belongs elsewhere, or its key is lost",
        ),
        (
            "UPDATE evidence SET sealed_raw = x'00' WHERE id = 2",
            "evidence 2 was changed, belongs elsewhere, or its key is lost",
        ),
    ],
)
def test_what_its_text_does_not_say_is_found(
    run: Run, told: None, store_settings: str, tampering: str, detail: str
) -> None:
    """
    Fields are named, and no value is: a message may hold payee data.
    """
    tamper(store_settings, tampering)

    listed = json.loads(run("audit", "--json", "--evidence").stdout)["listed"]
    assert detail in [breach["detail"] for breach in listed if breach["invariant"] == "I7"]


@pytest.fixture
def sealed_before(store_settings: str) -> None:
    """
    A database of the version before, whose seals are bound to nothing.
    """
    engine = create_engine(store_settings)
    ensure_profile(engine, "sandbox")
    sample = Fernet(os.environ["PAYOUTS_KEYRING"]).encrypt(b"payouts")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(sealed_sample=sample))
    engine.dispose()


@pytest.mark.parametrize(
    ("tampering", "detail"),
    [
        (
            "UPDATE evidence SET trade_no = 'JD9' WHERE source = 'reply'",
            "evidence 1 says otherwise than its text: trade_no",
        ),
        (
            "UPDATE evidence SET sealed_raw = (SELECT sealed_raw FROM evidence WHERE id = 1)",
            "evidence 2 has another digest than its text",
        ),
    ],
)
def test_what_is_bound_to_nothing_is_compared_with_its_text(
    sealed_before: None, run: Run, told: None, store_settings: str, tampering: str, detail: str
) -> None:
    """
    What the version before stored opens beside anything: only its text tells what it said.
    """
    tamper(store_settings, tampering)

    listed = json.loads(run("audit", "--json", "--evidence").stdout)["listed"]
    assert detail in [breach["detail"] for breach in listed if breach["invariant"] == "I7"]


def test_what_another_key_signed_does_not_verify(
    run: Run, told: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nor what today's key does not verify any more.
    """
    monkeypatch.setenv("PAYOUTS_SIGN_KEY", "another")
    bootstrap.sign_key.cache_clear()

    result = run("audit", "--json", "--evidence")
    details = [breach["detail"] for breach in json.loads(result.stdout)["listed"]]
    assert result.exit_code == 1
    assert len(details) == 2
    assert all("says otherwise than its text: verified" in detail for detail in details)


def test_another_merchants_messages_are_counted_apart(
    run: Run, told: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Their key is not at hand.
    """
    monkeypatch.setenv("PAYOUTS_CUSTOMER_NO", "360080000000000002")

    document = json.loads(run("audit", "--json", "--evidence").stdout)
    assert document["messages"] == {"verified": 0, "foreign": 2}
    assert "2 more are other merchants'" in run("audit", "--evidence").stdout

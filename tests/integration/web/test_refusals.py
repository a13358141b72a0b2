"""
What is not a notification of JD's: an error, and at most a query.
"""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.contract.samples import due_queries
from tests.integration.web.conftest import Clock, Send
from tests.integration.web.notifications import NUMBER, notification
from worker.payouts.model import Payout
from worker.store.ledger import SqlLedger
from worker.web.receiver import MAX_BODY_BYTES

FORGED = notification(key="guess")


@pytest.mark.parametrize(
    "body",
    [
        FORGED,
        notification().replace(b"trade_amount=12345", b"trade_amount=12346"),
        notification() + b"&pay_amount=1",
        notification() + b"&trade_status=REFU",
        notification(sign_type="MD5", digest="md5"),
        notification(sign_type="SHA-256", digest="sha1"),
        notification(sign_type="", digest="sha1"),
        notification().partition(b"&sign_type")[0],
        b"out_trade_no=%FF",
        b"\xff\xfe",
        b'{"trade_status": "FINI"}',
        b"",
    ],
    ids=[
        *("wrong key", "changed", "added", "doubled", "MD5", "wrong digest", "no digest"),
        *("unsigned", "bad encoding", "no text", "JSON", "empty"),
    ],
)
def test_what_does_not_verify_changes_nothing(
    send: Send, ledger: SqlLedger, payout: Payout, body: bytes
) -> None:
    """
    An error, no evidence, no move, no case.
    """
    response = send(body)
    update = ledger.dossier(payout.id)

    assert (response.status_code, response.data) == (400, b"fail")
    assert update.payout.status is payout.status
    assert (update.evidence, update.open_cases) == ((), ())


def _asked(ledger: SqlLedger) -> list[int]:
    return list(due_queries(ledger, 9, lambda _misses: timedelta(minutes=10)))


def test_a_forgery_brings_the_query_forward_once_a_minute(
    send: Send, ledger: SqlLedger, payout: Payout, clock: Clock
) -> None:
    """
    However many forgeries come, JD is asked at most once a minute more.
    """
    clock.advance(timedelta(seconds=61))
    assert payout.next_query_at is not None
    due = _asked(ledger)
    clock.advance(timedelta(seconds=30))
    send(FORGED)
    too_soon = _asked(ledger)
    clock.advance(timedelta(seconds=31))
    send(FORGED)
    send(FORGED)
    forward = _asked(ledger)
    send(FORGED)
    again = _asked(ledger)

    assert (due, too_soon, forward, again) == ([payout.id], [], [payout.id], [])


def test_a_forgery_about_a_number_that_we_lack(send: Send, ledger: SqlLedger) -> None:
    """
    Nothing to ask about, nothing stored.
    """
    response = send(FORGED)

    assert response.status_code == 400
    assert ledger.find("360080000000000001", NUMBER) is None
    assert ledger.cases(open_only=False, limit=9) == []


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10 * 1024 * 1024])
def test_a_body_that_is_too_large(send: Send, size: int) -> None:
    """
    It is not read to its end.
    """
    response = send(b"a" * size)

    assert (response.status_code, response.data) == (413, b"fail")


def test_only_posts_are_notifications(client: FlaskClient) -> None:
    """
    A browser that looks at the address sees an error.
    """
    assert client.get("/jdpay/notify").status_code == 405

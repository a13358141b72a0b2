"""
`success` is said of what is committed, and of nothing else.
"""

import http.client
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.serving import BaseWSGIServer, make_server

from tests.integration.web.conftest import Send, migrated
from tests.integration.web.notifications import KEY, MERCHANT, notification, unencoded
from worker.jdpay.signature import SignKey
from worker.payouts.limits import Limits
from worker.payouts.model import Payout
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.web.app import build


@pytest.fixture
def server(handler: EvidenceHandler) -> Iterator[BaseWSGIServer]:
    """
    The receiver on a real socket.
    """
    server = make_server("127.0.0.1", 0, build(handler, SignKey(KEY)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_over_a_real_socket(server: BaseWSGIServer, ledger: SqlLedger, payout: Payout) -> None:
    """
    The worked example through HTTP, byte by byte as JD posts it.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    connection.request("POST", "/jdpay/notify", notification(), form)
    response = connection.getresponse()
    answer = (response.status, response.read())
    connection.close()

    assert answer == (200, b"success")
    assert ledger.dossier(payout.id).payout.status is PayoutStatus.PAID


def test_an_encoding_that_some_clients_see(send: Send, ledger: SqlLedger, payout: Payout) -> None:
    """
    A body that was not percent-encoded at all verifies by its raw text.
    """
    assert send(unencoded()).data == b"success"
    assert ledger.dossier(payout.id).payout.status is PayoutStatus.PAID


def test_a_commit_that_fails_is_not_acknowledged(
    send: Send, ledger: SqlLedger, payout: Payout, engine: sa.Engine
) -> None:
    """
    JD gets an error and sends it again; the second time it is stored.
    """

    def fail(_conn: sa.Connection) -> None:
        raise OperationalError("COMMIT", None, Exception("disk full"))

    event.listen(engine, "commit", fail)
    refused = send(notification())
    event.remove(engine, "commit", fail)
    before = ledger.dossier(payout.id)
    accepted = send(notification())

    assert (refused.status_code, refused.data) == (503, b"fail")
    assert before.evidence == ()
    assert accepted.data == b"success"
    assert ledger.dossier(payout.id).payout.status is PayoutStatus.PAID


def test_what_cannot_be_judged_is_stored_all_the_same(
    send: Send,
    ledger: SqlLedger,
    payout: Payout,
    handler: EvidenceHandler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A fault of ours in the decision loses no word of JD's: the sweep finds what waits.
    """
    with monkeypatch.context() as patch:
        patch.setattr("worker.usecases.evidence.derive_update", lambda *_: 1 / 0)
        response = send(notification())
    waiting = list(ledger.find_unapplied(9))
    for payout_id in waiting:
        handler.apply(payout_id)

    assert response.data == b"success"
    assert waiting == [payout.id]
    assert ledger.dossier(payout.id).payout.status is PayoutStatus.PAID


@pytest.fixture(params=["sqlite", "postgres"])
def orphaned(request: pytest.FixtureRequest, free_port: int) -> FlaskClient:
    """
    A receiver whose database is away.
    """
    urls = {
        "sqlite": "sqlite:////no/such/folder/payouts.sqlite",
        "postgres": f"postgresql://payouts@127.0.0.1:{free_port}/payouts",
    }
    ledger = SqlLedger(create_engine(urls[request.param]), Keyring([Keyring.generate_key()]))
    handler = EvidenceHandler(ledger, MERCHANT, Limits(), "receiver")
    return build(handler, SignKey(KEY)).test_client()


@pytest.mark.parametrize("key", [KEY, "guess"], ids=["genuine", "forged"])
def test_no_database_no_success(orphaned: FlaskClient, key: str) -> None:
    """
    Without a database nothing is acknowledged, genuine or forged.
    """
    response = orphaned.post("/jdpay/notify", data=notification(key=key))

    assert (response.status_code, response.data) == (503, b"fail")


def test_health_tells_whether_the_database_answers(
    orphaned: FlaskClient, client: FlaskClient
) -> None:
    """
    A load balancer sees the difference.
    """
    assert client.get("/health").status_code == 200
    assert orphaned.get("/health").status_code == 503


def test_a_receiver_that_could_only_read_is_unhealthy(postgres_url: str) -> None:
    """
    Its database became read-only: what JD notifies could not be stored.
    """
    migrated(postgres_url)
    engine = create_engine(postgres_url)
    ledger = SqlLedger(engine, Keyring([Keyring.generate_key()]))
    handler = EvidenceHandler(ledger, MERCHANT, Limits(), "receiver")
    client = build(handler, SignKey(KEY)).test_client()
    assert client.get("/health").status_code == 200
    with engine.begin() as conn:
        conn.exec_driver_sql("SET default_transaction_read_only = on")

    assert ledger.now().utcoffset() is not None
    assert client.get("/health").status_code == 503
    assert client.get("/health").status_code == 200  # over a new connection
    ledger.close()


def test_logs_hold_no_payee(send: Send, payout: Payout, caplog: pytest.LogCaptureFixture) -> None:
    """
    Whatever is sent, what is logged holds neither text nor account of it.
    """
    with caplog.at_level("DEBUG"):
        send(notification(trade_subject="给张三的钱", payee_account_no="6200000000000000001"))
        send(notification(key="guess", trade_subject="给张三的钱"))

    assert caplog.records != []
    assert [text for text in ("张三", "6200000000000000001") if text in caplog.text] == []

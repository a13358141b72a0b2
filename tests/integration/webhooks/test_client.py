"""
What a webhook's server may do to whoever tells it something, over real sockets.
"""

import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.unit.jdpay.tls_server import TlsServer, sends
from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.event import Event, EventType
from worker.payouts.status import PayoutStatus, Reason
from worker.webhooks.client import WebhookCourier
from worker.webhooks.signature import sign

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
EVENT = Event(
    uid="ab" * 16,
    type=EventType.FAILED,
    at=NOON,
    producer="shop",
    customer_no="360080000000000001",
    out_trade_no="P-1",
    epoch=0,
    version=3,
    obligation="P-1",
    status=PayoutStatus.FAILED,
    reason=Reason.CLOSED,
    amount_fen=100,
    returned_fen=0,
    repayable_from=NOON,
)


def an_endpoint(url: str, *, is_private: bool = True) -> Endpoint:
    """
    A webhook of the shop's.
    """
    return Endpoint(1, "shop", EndpointKind.WEBHOOK, url, frozenset(), is_private, NOON, keys=KEYS)


#: What a server got: the path, the headers and the body.
Got = list[tuple[str, dict[str, str], bytes]]


@contextlib.contextmanager
def answering(status: int, headers: dict[str, str] | None = None) -> Iterator[tuple[str, Got]]:
    """
    A server that answers so, and keeps what it got.
    """
    got: Got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook?a=b", got
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def speaking(say: Callable[[socket.socket], None]) -> Iterator[str]:
    """
    A server that says whatever it likes to one who connects.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    say(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    thread.join()


def test_it_posts_one_signed_event() -> None:
    """
    In the form of Standard Webhooks: id, time and signature in headers, the event as JSON.
    """
    with answering(204) as (url, got):
        told = WebhookCourier(lambda: 1614265330.9).tell(an_endpoint(url), EVENT)

    assert told == (True, "204")
    ((path, headers, body),) = got
    assert path == "/hook?a=b"
    assert headers["host"] == url.split("/")[2]
    assert headers["content-type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (EVENT.uid, "1614265330")
    assert headers["webhook-signature"] == sign(KEYS, EVENT.uid, 1614265330, body)
    assert json.loads(body) == {
        "id": EVENT.uid,
        "type": "payout.failed",
        "timestamp": "2026-03-02T12:00:00Z",
        "data": {
            "out_trade_no": "P-1",
            "customer_no": "360080000000000001",
            "producer": "shop",
            "obligation": "P-1",
            "epoch": 0,
            "version": 3,
            "status": "failed",
            "meaning": json.loads(body)["data"]["meaning"],
            "reason": "closed",
            "amount_fen": 100,
            "returned_fen": 0,
            "safe_to_repay": False,
            "not_repayable_before": "2026-03-02T12:00:00Z",
        },
    }


@pytest.mark.parametrize("status", [199, 300, 301, 302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_only_a_yes_is_a_yes(status: int) -> None:
    """
    A redirect is not followed: nobody checked where it leads.
    """
    with (
        answering(200) as (elsewhere, followed),
        answering(status, {"location": elsewhere}) as (url, _),
    ):
        is_taken, outcome = WebhookCourier().tell(an_endpoint(url), EVENT)

    assert not is_taken
    assert outcome == str(status) or status == 199
    assert followed == []


def _drip(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"x: y\r\n")
            time.sleep(0.2)


def _wait(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def _flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 " + b"x" * 10_000_000)


@pytest.mark.parametrize("say", [_drip, _wait])
def test_a_server_that_never_ends_costs_the_deadline(say: Callable[..., None]) -> None:
    """
    However little at a time it says: nothing is believed of an answer that did not end.
    """
    began = time.monotonic()
    with speaking(say) as url:
        is_taken, outcome = WebhookCourier(deadline_s=0.5).tell(an_endpoint(url), EVENT)

    assert not is_taken
    assert outcome
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "said", [b"", b"\x00\xff\xfe", b"220 smtp ready\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/9"]
)
def test_what_is_no_answer_is_none(said: bytes) -> None:
    """
    Nothing of it is repeated, and nothing is raised.
    """
    with speaking(lambda connection: connection.sendall(said)) as url:
        is_taken, outcome = WebhookCourier(deadline_s=5).tell(an_endpoint(url), EVENT)

    assert not is_taken
    assert "smtp" not in outcome
    assert outcome.isascii()


def test_a_flood_is_cut() -> None:
    """
    A status line without end is not read to its end.
    """
    with speaking(_flood) as url:
        is_taken, _ = WebhookCourier(deadline_s=5).tell(an_endpoint(url), EVENT)

    assert not is_taken


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("https://127.0.0.1/", "its address is not public"),
        ("https://localhost/", "its address is not public"),
        ("https://169.254.169.254/latest", "its address is not public"),
        ("http://1.1.1.1/", "plain http is for private addresses only: use https"),
    ],
)
def test_a_private_address_is_not_connected_to(url: str, outcome: str) -> None:
    """
    It is asked at each try: a name may have got another address since it was added.
    """
    assert WebhookCourier().tell(an_endpoint(url, is_private=False), EVENT) == (False, outcome)


def test_one_that_is_away_is_told_as_such(free_port: int) -> None:
    """
    In words that an operator can act on.
    """
    told = WebhookCourier().tell(an_endpoint(f"http://127.0.0.1:{free_port}/"), EVENT)
    assert told == (False, "connection refused")


def test_tls_that_does_not_verify_is_not_spoken(free_port: int) -> None:
    """
    A server without TLS, and one whose name has no address.
    """
    with speaking(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")) as url:
        is_taken, outcome = WebhookCourier(deadline_s=5).tell(
            an_endpoint(url.replace("http:", "https:")), EVENT
        )
    assert not is_taken
    assert outcome.startswith("TLS failed") or "cut" in outcome


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A folder with the certificate and key of the server, which is its own authority.
    """
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=shop", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


def _trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "server.crt"))


def test_tls_is_verified_and_spoken(authority: Path) -> None:
    """
    With the authorities that are trusted, and with no others.
    """
    with TlsServer(authority, sends(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        endpoint = an_endpoint(server.url)
        known = WebhookCourier(context=_trusting(authority)).tell(endpoint, EVENT)
        unknown = WebhookCourier().tell(endpoint, EVENT)

    assert known == (True, "200")
    assert unknown == (False, "TLS failed: certificate verify failed")


def test_a_drip_over_tls_costs_the_deadline_too(authority: Path) -> None:
    """
    TLS takes the socket over, and must not take it away from what limits the exchange.
    """
    began = time.monotonic()
    with TlsServer(authority, _drip) as server:
        courier = WebhookCourier(deadline_s=0.5, context=_trusting(authority))
        is_taken, _ = courier.tell(an_endpoint(server.url), EVENT)

    assert not is_taken
    assert time.monotonic() - began < 10

import itertools
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import tenacity
import urllib3.connection
import urllib3.exceptions

from tests.unit.jdpay.tls_server import OK, Behaviour, TlsServer, sends
from worker.jdpay.errors import BadCertificate
from worker.jdpay.transport import Transport
from worker.payouts.errors import LeaseLost, MaybeSent, NotSent


@pytest.fixture
def make(folder: Path) -> Callable[..., Transport]:
    """
    Makes a transport that trusts the server and never really sleeps.
    """

    def make(**options: Any) -> Transport:
        options.setdefault("ca_file", str(folder / "server.crt"))
        options.setdefault("sleep", lambda _: None)
        return Transport(**options)

    return make


def resets(connection: ssl.SSLSocket) -> None:
    """
    A server that has processed the request and resets the connection.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def waits(connection: ssl.SSLSocket) -> None:
    """
    A server that says nothing until the client goes away.
    """
    connection.recv(1)


def drips(start: bytes, drop: bytes) -> Behaviour:
    """
    A server that sends a little more, faster than any read timeout, forever.
    """

    def behave(connection: ssl.SSLSocket) -> None:
        connection.sendall(start)
        for _ in itertools.count():
            time.sleep(0.02)
            connection.sendall(drop)

    return behave


def nothing() -> None:
    """
    What runs before a connection where the test does not care.
    """


def test_a_whole_answer(folder: Path, make: Callable[..., Transport]) -> None:
    """
    A form goes out in UTF-8, each value encoded once, and the whole body of a 200 comes back.
    """
    with TlsServer(folder, sends(OK)) as server:
        body = make().post(server.url, {"a": "x+/=", "b": "张 三"}, nothing)

    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"{}"
    assert sent == b"a=x%2B%2F%3D&b=%E5%BC%A0+%E4%B8%89"
    assert b"application/x-www-form-urlencoded; charset=UTF-8" in head
    assert b"Connection: close" in head


AMBIGUOUS: dict[str, tuple[Behaviour, str]] = {
    "processed, then closed": (sends(), "connection_lost"),
    "processed, then reset": (resets, "connection_lost"),
    "garbage status line": (sends(b"SSH-2.0-x\r\n\r\n"), "connection_lost"),
    "cut status line": (sends(b"HTTP/1.1 200"), "empty"),
    "cut headers": (sends(b"HTTP/1.1 200 OK\r\nContent-Len"), "empty"),
    "short body": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), "cut"),
    "broken chunk": (
        sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
        "cut",
    ),
    "bad gzip": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
        "bad_encoding",
    ),
    "302": (
        sends(b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n"),
        "redirect",
    ),
    "307": (
        sends(b"HTTP/1.1 307 Again\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n"),
        "redirect",
    ),
    "502": (sends(b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n{}"), "http_502"),
    "400": (sends(b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}"), "http_400"),
    "201": (sends(b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\n{}"), "http_201"),
    "a hundred headers and more": (
        sends(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        "connection_lost",
    ),
    "too large, as announced": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000),
        "too_large",
    ),
    "too large, in chunks": (
        sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 2000),
        "too_large",
    ),
    "silence": (waits, "read_timeout"),
}


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_ambiguous_faults(fault: str, folder: Path, make: Callable[..., Transport]) -> None:
    """
    Whatever happens once a connection stands may have been processed: said so, and sent once.
    """
    behaviour, detail = AMBIGUOUS[fault]
    with (
        TlsServer(folder, behaviour) as server,
        pytest.raises(MaybeSent) as caught,
    ):
        make(body_limit=1000, read_timeout=0.3).post(server.url, {"a": "1"}, nothing)

    assert caught.value.detail == detail
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    ],
    ids=["status line", "headers", "body"],
)
def test_slow_drip(behaviour: Behaviour, folder: Path, make: Callable[..., Transport]) -> None:
    """
    The deadline ends an answer that always sends a little more, wherever it does so.
    """
    begun = time.monotonic()
    with TlsServer(folder, behaviour) as server, pytest.raises(MaybeSent) as caught:
        make(deadline=0.4, read_timeout=5).post(server.url, {"a": "1"}, nothing)

    assert time.monotonic() - begun < 3
    assert caught.value.detail in {"read_timeout", "connection_lost"}


def test_handshake_hang(make: Callable[..., Transport]) -> None:
    """
    A server that accepts and says nothing looks like one that has read the request: ambiguous.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(MaybeSent, match="read_timeout"):
            make(connect_timeout=0.2).post(url, {}, nothing)


def test_refused_is_tried_again(make: Callable[..., Transport]) -> None:
    """
    A refused connection sent nothing: it is tried three times, asking before each.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
    asked: list[int] = []
    pauses: list[float] = []
    transport = make(sleep=pauses.append, wait=tenacity.wait_fixed(7))
    with pytest.raises(NotSent, match="refused"):
        transport.post(url, {}, lambda: asked.append(1))

    assert (len(asked), pauses) == (3, [7, 7])


def test_untrusted_certificate(folder: Path, make: Callable[..., Transport]) -> None:
    """
    An untrusted server never sees the request.
    """
    with (
        TlsServer(folder, sends(OK)) as server,
        pytest.raises(NotSent, match="certificate_untrusted"),
    ):
        make(ca_file=None).post(server.url, {}, nothing)

    assert server.requests == []


def test_wrong_host(folder: Path, make: Callable[..., Transport]) -> None:
    """
    A trusted certificate for another host is untrusted.
    """
    with (
        TlsServer(folder, sends(OK)) as server,
        pytest.raises(NotSent, match="certificate_untrusted"),
    ):
        make().post(server.url.replace("127.0.0.1", "localhost"), {}, nothing)

    assert server.requests == []


@pytest.mark.parametrize(
    ("raised", "detail"),
    [
        (urllib3.exceptions.ConnectTimeoutError(None, "slow"), "connect_timeout"),
        (
            urllib3.exceptions.NameResolutionError(
                "gateway.invalid",
                urllib3.connection.HTTPSConnection("gateway.invalid"),
                socket.gaierror(),
            ),
            "name_unknown",
        ),
    ],
)
def test_other_safe_causes(
    raised: Exception,
    detail: str,
    make: Callable[..., Transport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A connect timeout and an unknown name, which need a network, are safe as urllib3 raises them.
    """

    def fail(_: object) -> None:
        raise raised

    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", fail)
    with pytest.raises(NotSent, match=detail):
        make().post("https://127.0.0.1:9/", {}, nothing)


def test_an_older_safe_fault_does_not_excuse(folder: Path, make: Callable[..., Transport]) -> None:
    """
    A fault that is being handled while we send does not make ours look safe.
    """
    older = urllib3.exceptions.ConnectTimeoutError()

    def post_while_handling(url: str) -> None:
        try:
            raise older
        except urllib3.exceptions.ConnectTimeoutError:
            make().post(url, {}, nothing)

    with TlsServer(folder, sends()) as server, pytest.raises(MaybeSent):
        post_while_handling(server.url)


def test_plain_http_is_never_spoken(make: Callable[..., Transport]) -> None:
    """
    An address without TLS is refused before anything is asked or opened.
    """
    asked: list[int] = []
    with pytest.raises(NotSent, match="not_https"):
        make().post("http://127.0.0.1:9/", {}, lambda: asked.append(1))

    assert asked == []


@pytest.mark.parametrize("error", [LeaseLost(), NotSent("paused"), KeyError("x")])
def test_the_lease_has_the_last_word(
    error: Exception, folder: Path, make: Callable[..., Transport]
) -> None:
    """
    What is raised before a connection passes through unchanged, at once, and nothing is sent.
    """
    asked: list[int] = []

    def refuse() -> None:
        asked.append(1)
        raise error

    with TlsServer(folder, sends(OK)) as server, pytest.raises(type(error)) as caught:
        make().post(server.url, {}, refuse)

    assert caught.value is error
    assert (asked, server.requests) == ([1], [])


def test_the_lease_is_asked_between_tries(make: Callable[..., Transport]) -> None:
    """
    A lease lost after a refused connection ends the tries.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
    answers = iter([None, LeaseLost()])

    def ask() -> None:
        if (error := next(answers)) is not None:
            raise error

    with pytest.raises(LeaseLost):
        make().post(url, {}, ask)


def test_each_connection_is_asked_for(
    make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The libraries below us make no second connection by themselves, which no lease would cover.
    """
    events: list[str] = []

    def refuse(connection: urllib3.connection.HTTPSConnection) -> None:
        events.append("connects")
        raise urllib3.exceptions.NewConnectionError(connection, "refused")

    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", refuse)
    with pytest.raises(NotSent, match="refused"):
        make().post("https://127.0.0.1:9/", {}, lambda: events.append("asked"))

    assert events == ["asked", "connects"] * 3


def test_a_process_that_was_stopped_does_not_connect(
    folder: Path, make: Callable[..., Transport]
) -> None:
    """
    Its lease may have ended since it was renewed: it renews anew, and only then connects.
    """
    clock = iter([0.0, 0.0, 30.1, 40.0, 40.0, 70.0])
    asked: list[int] = []
    with TlsServer(folder, sends(OK)) as server:
        transport = make(margin=30.0, clock=lambda: next(clock, 70.0))

        assert transport.post(server.url, {}, lambda: asked.append(len(server.requests))) == b"{}"
        assert (asked, len(server.requests)) == ([0, 0], 1)


def test_a_process_that_is_stopped_each_time_sends_nothing(
    make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No socket was opened, so it is sure that nothing was sent.
    """
    opened: list[object] = []
    # A lambda, since a built-in method would not be given the connection.
    record = lambda connection: opened.append(connection)  # noqa: E731, PLW0108
    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", record)
    clock = itertools.count(step=31.0)
    with pytest.raises(NotSent, match="stopped"):
        make(margin=30.0, clock=lambda: next(clock)).post("https://127.0.0.1:9/", {}, nothing)

    assert opened == []


def test_a_process_that_was_stopped_while_connecting_sends_nothing(
    folder: Path, make: Callable[..., Transport]
) -> None:
    """
    Past the deadline nothing goes out; the connection was made, so it counts as perhaps sent.
    """
    clock = iter([0.0, 0.0, 0.0])
    with TlsServer(folder, sends(OK)) as server, pytest.raises(MaybeSent):
        make(deadline=45.0, clock=lambda: next(clock, 46.0)).post(server.url, {}, nothing)

    assert server.requests in ([], [b""])


def test_unknown_faults_are_ambiguous(
    make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A fault that nobody has classified may have come after the request.
    """

    def fail(*_: object, **__: object) -> None:
        raise requests.RequestException("new")

    monkeypatch.setattr(requests.Session, "post", fail)
    with pytest.raises(MaybeSent, match="fault"):
        make().post("https://127.0.0.1:9/", {}, nothing)


@pytest.mark.parametrize("content", [None, "not PEM"])
def test_ca_file_is_checked_at_the_start(content: str | None, tmp_path: Path) -> None:
    """
    A CA file that is missing or no PEM is found when the transport is made.
    """
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(BadCertificate, match=r"ca\.pem"):
        Transport(ca_file=str(path))

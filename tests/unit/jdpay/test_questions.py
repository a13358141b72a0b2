"""
Questions share a connection where they can; a submit never does.
"""

import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.jdpay.tls_server import OK, Behaviour, TlsServer, sends
from worker.jdpay.kept import IDLE_SECONDS
from worker.jdpay.transport import Transport
from worker.payouts.errors import MaybeSent

MANY = 9

FORKS = """
import os, sys
from worker.jdpay.transport import Transport

transport = Transport(ca_file=sys.argv[2])
transport.ask(sys.argv[1], {"who": "parent"})
child = os.fork()
if child == 0:
    transport.ask(sys.argv[1], {"who": "child"})
    transport.ask(sys.argv[1], {"who": "child"})
    os._exit(0)
print(os.waitpid(child, 0)[1])
transport.ask(sys.argv[1], {"who": "parent"})
"""


@pytest.fixture
def make(folder: Path) -> Callable[..., Transport]:
    """
    Makes a transport that trusts the server and never really sleeps.
    """
    return lambda **options: Transport(
        ca_file=str(folder / "server.crt"), sleep=lambda _: None, **options
    )


def nothing() -> None:
    """
    What runs before a connection where the test does not care.
    """


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """
    A server that does one after the other, over whatever connections.
    """
    left = iter(behaviours)

    def behave(connection: ssl.SSLSocket) -> None:
        next(left)(connection)

    return behave


def hangs_up(_: ssl.SSLSocket) -> None:
    """
    A server that ends the connection in place of an answer.
    """
    raise ConnectionAbortedError


def test_questions_share_a_connection(folder: Path, make: Callable[..., Transport]) -> None:
    """
    One connection is made for all that a thread asks.
    """
    with TlsServer(folder, sends(OK), MANY) as server:
        transport = make()
        answers = [transport.ask(server.url, {"n": str(n)}) for n in range(3)]

    assert (answers, server.carriers) == ([b"{}"] * 3, [0, 0, 0])


def test_a_submit_has_its_own_connection(folder: Path, make: Callable[..., Transport]) -> None:
    """
    It takes no connection that a question left, and leaves none.
    """
    with TlsServer(folder, sends(OK), MANY) as server:
        transport = make()
        transport.ask(server.url, {})
        transport.post(server.url, {}, nothing)
        transport.post(server.url, {}, nothing)
        transport.ask(server.url, {})

    assert server.carriers == [0, 1, 2, 0]
    assert [b"Connection: close" in request for request in server.requests] == [0, 1, 1, 0]


def test_a_lost_submit_is_not_repeated(folder: Path, make: Callable[..., Transport]) -> None:
    """
    Also where questions have kept a connection, a submit whose answer is lost was sent once.
    """
    with TlsServer(folder, in_turn(sends(OK), hangs_up, sends(OK)), MANY) as server:
        transport = make()
        transport.ask(server.url, {})
        with pytest.raises(MaybeSent, match="connection_lost"):
            transport.post(server.url, {}, nothing)

    assert len(server.requests) == 2


def test_a_kept_connection_that_is_lost(folder: Path, make: Callable[..., Transport]) -> None:
    """
    The question is asked once more over a fresh one, which is then kept.
    """
    behaviour = in_turn(sends(OK), hangs_up, sends(OK), sends(OK))
    with TlsServer(folder, behaviour, MANY) as server:
        transport = make()
        for _ in range(3):
            assert transport.ask(server.url, {}) == b"{}"

    assert server.carriers == [0, 0, 1, 1]


def test_a_fresh_connection_that_is_lost(folder: Path, make: Callable[..., Transport]) -> None:
    """
    Nothing is repeated for it: a gateway in trouble is not asked twice as often.
    """
    behaviour = in_turn(hangs_up, sends(OK), hangs_up, hangs_up)
    with TlsServer(folder, behaviour, MANY) as server:
        transport = make()
        for asked in (1, 4):
            with pytest.raises(MaybeSent, match="connection_lost"):
                transport.ask(server.url, {})
            if asked == 1:
                transport.ask(server.url, {})

    assert server.carriers == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (sends(b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n{}"), "http_502"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000), "too_large"),
        (lambda connection: connection.recv(1), "read_timeout"),
    ],
)
def test_another_fault(
    behaviour: Behaviour, detail: str, folder: Path, make: Callable[..., Transport]
) -> None:
    """
    Any other fault is told at once, and its connection not used again.
    """
    with TlsServer(folder, in_turn(sends(OK), behaviour, sends(OK)), MANY) as server:
        transport = make(read_timeout=0.3, body_limit=1000)
        transport.ask(server.url, {})
        with pytest.raises(MaybeSent, match=detail):
            transport.ask(server.url, {})
        assert transport.ask(server.url, {}) == b"{}"

    assert server.carriers == [0, 0, 1]


def test_a_server_that_keeps_nothing(folder: Path, make: Callable[..., Transport]) -> None:
    """
    Where each answer ends its connection, each question makes one, and none is sent twice.
    """
    with TlsServer(folder, sends(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))) as server:
        transport = make()
        for _ in range(3):
            assert transport.ask(server.url, {}) == b"{}"

    assert server.carriers == [0, 1, 2]


def test_a_connection_is_not_kept_for_long(folder: Path, make: Callable[..., Transport]) -> None:
    """
    One that was idle is not used again; one in use is, however old it is.
    """
    now = [0.0]
    with TlsServer(folder, sends(OK), MANY) as server:
        transport = make(deadline=5.0, clock=lambda: now[0])
        for idle in (0.0, IDLE_SECONDS, IDLE_SECONDS, IDLE_SECONDS + 1):
            now[0] += idle
            transport.ask(server.url, {})

    assert server.carriers == [0, 0, 0, 1]


def test_each_question_has_its_deadline(folder: Path, make: Callable[..., Transport]) -> None:
    """
    Over a kept connection an answer that drips is ended as over a fresh one.
    """

    def dripping(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            time.sleep(0.02)
            connection.sendall(b"x")

    with TlsServer(folder, in_turn(sends(OK), dripping, sends(OK)), MANY) as server:
        transport = make(deadline=0.4, read_timeout=5)
        transport.ask(server.url, {})
        with pytest.raises(MaybeSent, match="connection_lost"):
            transport.ask(server.url, {})

    assert server.carriers == [0, 0]


def test_each_thread_has_its_own(folder: Path, make: Callable[..., Transport]) -> None:
    """
    Two threads never speak over one connection.
    """
    together = threading.Barrier(2)

    def ask(transport: Transport, url: str, who: str) -> None:
        for _ in range(2):
            together.wait(10)
            transport.ask(url, {"who": who})

    with TlsServer(folder, sends(OK), MANY) as server:
        transport = make()
        threads = [threading.Thread(target=ask, args=(transport, server.url, who)) for who in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    by = {
        who: {n for n, r in zip(server.carriers, server.requests, strict=True) if r.endswith(who)}
        for who in (b"who=a", b"who=b")
    }
    assert sorted(map(len, by.values())) == [1, 1]
    assert sorted(set(server.carriers)) == [0, 1]


def test_a_child_has_its_own(folder: Path) -> None:
    """
    After a fork a child connects anew, and its parent's connection still stands.
    """
    with TlsServer(folder, sends(OK), MANY) as server:
        argv = [sys.executable, "-c", FORKS, server.url, str(folder / "server.crt")]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["0"]
    assert server.carriers == [0, 1, 1, 0]


def test_no_cookie_is_kept(folder: Path, make: Callable[..., Transport]) -> None:
    """
    A kept connection carries nothing of an earlier answer.
    """
    baking = OK.replace(b"\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n", 1)
    with TlsServer(folder, sends(baking), MANY) as server:
        transport = make()
        for _ in range(2):
            transport.ask(server.url, {})

    assert server.carriers == [0, 0]
    assert not any(b"cookie" in request.lower() for request in server.requests)

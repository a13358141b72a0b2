"""
What the HTTP API may answer, and what a producer makes of it.
"""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from worker.producer import Accepted, OverHttp, Refused, Undecided

PAYOUT = {"out_trade_no": "WITHDRAW0001", "status": "queued"}
PROBLEM = {"code": "number_reused", "detail": "another job has this number", "status": 409}


class Api:
    """
    An HTTP API that answers as it is told to, wherever it is asked.
    """

    def __init__(self) -> None:
        self.status, self.answer = 201, json.dumps(PAYOUT).encode()
        #: Method, place, type and body of each request, and whether it showed a token.
        self.asked: list[tuple[str, str, str | None, bytes, bool]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shown = "Authorization" in self.headers
                kind = self.headers["Content-Type"]
                api.asked.append((self.command, self.path, kind, body, shown))
                self.send_response(api.status)
                self.send_header("Location", "/v1/payouts")
                self.send_header("Content-Length", str(len(api.answer)))
                self.end_headers()
                self.wfile.write(api.answer)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def api() -> Iterator[Api]:
    """
    One that is asked by nobody else.
    """
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,))
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.mark.parametrize("at", ["", "/", "/behind/a/proxy", "/behind/a/proxy/"])
def test_a_job_goes_out_as_it_is_sealed(api: Api, at: str) -> None:
    """
    With its type, and with no token: who seals it is known by the seal.
    """
    OverHttp(f"{api.url}{at}").pay("a.b.c.d.e")
    place = f"{at.rstrip('/')}/v1/payouts"

    assert api.asked == [("POST", place, "application/jose", b"a.b.c.d.e", False)]


@pytest.mark.parametrize(
    ("number", "written"), [("WITHDRAW0001", "WITHDRAW0001"), ("../a?b", "..%2Fa%3Fb")]
)
def test_a_cancellation_goes_to_its_payout(api: Api, number: str, written: str) -> None:
    """
    And nowhere else, whatever is taken for a number.
    """
    api.status = 200
    found = OverHttp(api.url).cancel(number, "a.b.c.d.e")

    assert found == Accepted(PAYOUT, is_new=False)
    assert [place for _, place, *_ in api.asked] == [f"/v1/payouts/{written}/cancel"]


@pytest.mark.parametrize(("status", "is_new"), [(201, True), (200, False)])
def test_a_yes_is_told(api: Api, status: int, is_new: bool) -> None:
    """
    And whether it is the first one.
    """
    api.status = status

    assert OverHttp(api.url).pay("sealed") == Accepted(PAYOUT, is_new)


@pytest.mark.parametrize("status", [409, 422])
def test_a_no_is_told(api: Api, status: int) -> None:
    """
    By its code, for programs, and in words.
    """
    api.status, api.answer = status, json.dumps(PROBLEM).encode()
    with pytest.raises(Refused, match="number_reused: another job has this number") as raised:
        OverHttp(api.url).pay("sealed")

    assert raised.value.code == "number_reused"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        *((status, PROBLEM) for status in (400, 401, 403, 404, 405, 413, 415, 500, 502, 503)),
        # a page of a proxy's, or of whoever else is there
        (409, "<html>conflict</html>"),
        (422, {"error": "no"}),
        (200, "<html>sign in</html>"),
        (200, {"status": "ok"}),
        (200, []),
        (201, ""),
        (202, PAYOUT),
        *((status, PAYOUT) for status in (301, 302, 303, 307, 308)),
    ],
)
def test_anything_else_is_neither(api: Api, status: int, answer: object) -> None:
    """
    It is asked once, and followed nowhere.
    """
    text = answer if isinstance(answer, str) else json.dumps(answer)
    api.status, api.answer = status, text.encode()
    with pytest.raises(Undecided):
        OverHttp(api.url).pay("sealed")

    assert len(api.asked) == 1


def test_nobody_there_is_neither(free_port: int) -> None:
    """
    Nor is a port that is closed.
    """
    with pytest.raises(Undecided, match="no answer"):
        OverHttp(f"http://127.0.0.1:{free_port}").pay("sealed")


def test_a_plain_server_is_not_believed_to_be_one_with_tls(api: Api) -> None:
    """
    Whose name is checked, too.
    """
    with pytest.raises(Undecided, match="no answer"):
        OverHttp(api.url.replace("http:", "https:")).pay("sealed")

    assert api.asked == []


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{", b"?\r\n\r\n"]
)
def test_an_answer_that_breaks_off_is_neither(said: bytes) -> None:
    """
    Wherever it does.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Undecided, match="no answer"):
            OverHttp(f"http://127.0.0.1:{server.getsockname()[1]}").pay("sealed")
        thread.join()


def test_silence_is_neither() -> None:
    """
    After so many seconds.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(Undecided, match="timed out"),
    ):
        OverHttp(f"http://127.0.0.1:{server.getsockname()[1]}", silence=0.05).pay("sealed")

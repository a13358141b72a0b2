"""
How long a connection to the sandbox lasts.
"""

import http.client
import ssl
import time
from collections.abc import Iterator

import pytest

from worker.sandbox.keys import Keys
from worker.sandbox.running import Sandbox


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """
    A sandbox of the test's own.
    """
    with Sandbox(keys) as sandbox:
        yield sandbox


@pytest.fixture
def connection(sandbox: Sandbox, keys: Keys) -> Iterator[http.client.HTTPSConnection]:
    """
    One connection to it, which is never made again by itself.
    """
    context = ssl.create_default_context(cafile=str(keys.ca_file))
    port = int(sandbox.origin.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    connection.connect()
    connection.auto_open = 0
    yield connection
    connection.close()


def post(connection: http.client.HTTPSConnection, body: bytes, **headers: str) -> int:
    """
    Ask for a trade; return the status.
    """
    connection.request("POST", "/npp10/trade_query", body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_a_client_may_ask_again(connection: http.client.HTTPSConnection) -> None:
    """
    A connection stays open after an answer.
    """
    assert [post(connection, b"customer_no=1") for _ in range(3)] == [200] * 3


def test_a_client_may_be_done(connection: http.client.HTTPSConnection) -> None:
    """
    Whoever says that this was all gets the connection closed.
    """
    assert post(connection, b"customer_no=1", Connection="close") == 200
    assert connection.sock is None


def test_what_was_not_read_is_no_request(connection: http.client.HTTPSConnection) -> None:
    """
    After a body of unknown or too great a length the connection ends.
    """
    assert post(connection, b"x" * 70_000) == 413
    assert connection.sock is None


def test_an_idle_connection_delays_no_end(
    sandbox: Sandbox, connection: http.client.HTTPSConnection
) -> None:
    """
    The sandbox hangs up when it stops.
    """
    post(connection, b"customer_no=1")
    start = time.monotonic()
    sandbox.stop()

    assert time.monotonic() - start < 2

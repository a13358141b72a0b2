"""
Replies that take their time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from tests.integration.sandbox.client import Client, signed, wait_for
from tests.unit.sandbox.openssl import Merchant
from tests.unit.sandbox.orders import MERCHANT, order
from worker.sandbox.keys import Keys
from worker.sandbox.running import Options, Sandbox

LATENCY = 1.0
QUERY = {
    "customer_no": MERCHANT,
    "request_datetime": "20240105T100000",
    "trade_type": "T_AGD",
    "out_trade_no": "P1",
}


@pytest.fixture(scope="module")
def slow(keys: Keys, merchant: Merchant) -> Iterator[Client]:
    """
    A client of a sandbox whose replies take a second.
    """
    with Sandbox(keys, Options(latency=timedelta(seconds=LATENCY))) as sandbox:
        yield Client(sandbox, str(keys.ca_file), merchant)


def test_every_reply_takes_so_long(slow: Client) -> None:
    """
    A submit, a query and the sandbox's own pages are answered after the latency, and not before.
    """
    sealed, asked = slow.sealed(order()), signed(QUERY)
    url = f"{slow.sandbox.origin}/sandbox/books"
    sends: tuple[Callable[[], requests.Response], ...] = (
        lambda: slow.post("/npp10/defray_pay", sealed),
        lambda: slow.post("/npp10/trade_query", asked),
        lambda: slow.post("/npp10/unknown", {}),
        lambda: requests.get(url, verify=slow.ca_file, timeout=5),
    )
    for send in sends:
        start = time.monotonic()

        assert send().status_code == 200
        assert LATENCY <= time.monotonic() - start < 2 * LATENCY


def test_an_order_is_booked_before_its_reply(slow: Client) -> None:
    """
    What takes long is the reply: by the time it comes, the order is in the books since it arrived.
    """
    sealed = slow.sealed(order(out_trade_no="BOOKED_AT_ONCE"))
    with ThreadPoolExecutor(1) as pool:
        start = time.monotonic()
        reply = pool.submit(slow.post, "/npp10/defray_pay", sealed)
        wait_for(lambda: slow.sandbox.books.query("BOOKED_AT_ONCE", None) is not None, LATENCY)

        assert reply.result().status_code == 200
        assert time.monotonic() - start >= LATENCY


def test_many_wait_side_by_side(slow: Client) -> None:
    """
    Two hundred queries at once take little longer than one, and far less than one after another.
    """
    count, form = 200, signed(QUERY)
    together = threading.Barrier(count)

    def ask(_: int) -> str:
        together.wait()
        return str(slow.post("/npp10/trade_query", form, timeout=30).json()["response_code"])

    with ThreadPoolExecutor(count) as pool:
        start = time.monotonic()
        codes = list(pool.map(ask, range(count)))
    took = time.monotonic() - start

    assert codes == ["TRADE_NOT_EXIST"] * count
    assert LATENCY <= took < 15 * LATENCY


def test_the_end_does_not_wait(keys: Keys, merchant: Merchant) -> None:
    """
    A sandbox that is stopped lets go of the replies that it holds back.
    """
    sandbox = Sandbox(keys, Options(latency=timedelta(minutes=1)))
    sandbox.start()
    client = Client(sandbox, str(keys.ca_file), merchant)
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(client.send, timeout=30, out_trade_no="LET_GO")
        wait_for(lambda: sandbox.books.query("LET_GO", None) is not None)
        start = time.monotonic()
        sandbox.stop()
        took = time.monotonic() - start
        fault = reply.exception()

    assert took < 5
    assert isinstance(fault, requests.ConnectionError)

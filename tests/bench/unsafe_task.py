"""
What a payout costs without any safety: a Celery task that renders, seals, posts, and keeps nothing.

It is the measure of the others, so it remains as it is: whatever the product does to its own
transport or to Celery's settings is not done here. A payout is lost with its worker, and paid twice
by a repeated message. It is started as ``celery -A tests.bench.unsafe_task worker``.
"""

import functools
import os

import requests
from celery import Celery

from tests.bench.product import Wire

NAME = "unsafe.pay"

app = Celery("unsafe", broker=os.environ["BENCH_BROKER_URL"], set_as_current=False)
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@functools.cache
def wire() -> Wire:
    """
    Certificates and keys, read once a process.
    """
    return Wire()


@functools.cache
def marks() -> int:
    """
    The file that gets a byte for each request that was answered, for the stop watch.
    """
    return os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def pay(out_trade_no: str) -> None:
    """
    Send one payout.
    """
    form = wire().form(out_trade_no)
    reply = requests.post(wire().url, data=form, verify=wire().ca_file, timeout=30)
    reply.raise_for_status()
    assert reply.json()["response_code"] == "0000"
    os.write(marks(), b".")


app.task(name=NAME)(pay)

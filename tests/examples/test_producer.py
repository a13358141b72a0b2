"""
The file that seals and sends: alone in an application's folder, and beside a broker.
"""

import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery, current_app

from tests.test_layers import ROOT, imports
from tests.unit.producer.opening import SHARED, open_shared
from worker.producer import OverCelery, Undecided

PRODUCER = ROOT / "worker/producer.py"

#: In a process that can import nothing of ours: put two jobs, send one, and hear of it.
ALONE = """
import sys

class NothingOfOurs:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in {"worker", "tasks", "tests"}:
            raise ImportError(name)

sys.meta_path.insert(0, NothingOfOurs())
sys.path.insert(0, ".")
from producer import Accepted, Producer, Spool

spool = Spool("jobs.sqlite", Producer.load("shop.key"))
spool.put({"out_trade_no": "WITHDRAW0001", "amount_fen": 12345})
spool.send(lambda sealed: print(sealed))
print(spool.answers())
spool.hear({"type": "payout.accepted", "data": {"out_trade_no": "WITHDRAW0001"}})
print(spool.answers())
"""

Queued = Callable[[], dict[str, Any]]


@pytest.fixture
def queued(empty_broker_url: str) -> Queued:
    """
    The one message on the entry queue.
    """
    broker = redis.Redis.from_url(empty_broker_url)

    def read() -> dict[str, Any]:
        (found,) = broker.lrange("payouts.entry", 0, -1)
        message: dict[str, Any] = json.loads(found)
        return message

    return read


def test_it_needs_nothing_of_ours() -> None:
    """
    Celery, joserfc and the standard library are all that it imports.
    """
    foreign = {name.partition(".")[0] for name in imports(PRODUCER.read_text())}

    assert foreign - set(sys.stdlib_module_names) == {"celery", "joserfc"}


def test_it_works_alone_in_a_folder(tmp_path: Path) -> None:
    """
    Copied there, where nothing of ours can be imported.
    """
    shutil.copy(PRODUCER, tmp_path)
    (tmp_path / "shop.key").touch(0o600)
    (tmp_path / "shop.key").write_text(json.dumps(SHARED))
    said = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", ALONE],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    sealed, before, after = said.splitlines()

    assert open_shared(sealed)[-1]["job"] == {"out_trade_no": "WITHDRAW0001", "amount_fen": 12345}
    assert before == "{'WITHDRAW0001': None}"
    assert after == "{'WITHDRAW0001': 'accepted'}"


@pytest.mark.parametrize("is_app", [True, False], ids=["an application", "an address"])
def test_a_job_goes_to_the_entry_queue(empty_broker_url: str, queued: Queued, is_app: bool) -> None:
    """
    Plain, whatever the application does with its own tasks, and with no wish of Celery's.
    """
    app = Celery("shop", broker=empty_broker_url, set_as_current=False)
    app.conf.update(
        task_compression="gzip",
        task_serializer="yaml",
        task_default_priority=5,
        task_create_missing_queues=False,
        task_routes={"payouts.enqueue": {"queue": "elsewhere", "expires": 5, "countdown": 5}},
        task_time_limit=5,
        broker_transport_options={"global_keyprefix": "shop:"},
    )
    before = current_app._get_current_object()  # type: ignore[attr-defined]
    OverCelery(app if is_app else empty_broker_url).pay("a.b.c.d.e")
    message = queued()
    headers = message["headers"]

    assert json.loads(base64.b64decode(message["body"]))[:2] == [[], {"job": "a.b.c.d.e"}]
    assert (message["content-type"], message["content-encoding"]) == ("application/json", "utf-8")
    assert (headers["task"], headers["retries"]) == ("payouts.enqueue", 0)
    assert [headers[name] for name in ("eta", "expires", "timelimit")] == [None, None, [None] * 2]
    assert headers.get("compression") is None
    assert current_app._get_current_object() is before  # type: ignore[attr-defined]


def test_a_cancellation_goes_to_the_same_queue(empty_broker_url: str, queued: Queued) -> None:
    """
    The seal says what it is for, and which payout's.
    """
    OverCelery(empty_broker_url).cancel("WITHDRAW0001", "a.b.c.d.e")

    assert json.loads(base64.b64decode(queued()["body"]))[:2] == [[], {"job": "a.b.c.d.e"}]


def test_another_broker_for_writing_is_the_one(empty_broker_url: str, queued: Queued) -> None:
    """
    Where an application has one.
    """
    app = Celery("shop", broker="redis://127.0.0.1:1/0", set_as_current=False)
    app.conf.update(broker_write_url=empty_broker_url)
    OverCelery(app).pay("a.b.c.d.e")

    assert queued()["headers"]["task"] == "payouts.enqueue"


def test_a_broker_that_is_down_is_told_of_at_once(free_port: int) -> None:
    """
    Nothing is known of the job then, but that it may go out again.
    """
    begun = time.monotonic()
    with pytest.raises(Undecided, match="no broker took it"):
        OverCelery(f"redis://127.0.0.1:{free_port}/0").pay("a.b.c.d.e")

    assert time.monotonic() - begun < 5

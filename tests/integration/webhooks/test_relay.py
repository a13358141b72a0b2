"""
The relay as a process: killed while it tells, beside endpoints that are dead, slow or queues.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from celery import Celery

from tests.contract.samples import KEY, KEYRING, accept, an_order, keyed
from tests.servers import Databases
from tests.waiting import until
from worker.embedded.broker import Broker
from worker.payouts.endpoint import EndpointKind
from worker.payouts.policy.actions import Action, decide
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger

PATIENCE = 60.0


class Shop:
    """
    A producer's server: what it heard, and how it answers.
    """

    def __init__(self) -> None:
        self.heard: list[dict[str, object]] = []
        self.rng = random.Random(7)
        self.fails = 0.0
        self._lock = threading.Lock()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with shop._lock:
                    is_lost = shop.rng.random() < shop.fails
                    shop.heard += [] if is_lost else [body]
                self.send_response(500 if is_lost else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def of(self, number: str) -> list[int]:
        """
        The versions of one payout's events, in the order in which they were heard first.
        """
        data = [event["data"] for event in self.heard]
        own = [d["version"] for d in data if isinstance(d, dict) and d["out_trade_no"] == number]
        return [*dict.fromkeys(own)]


@pytest.fixture
def shop() -> Iterator[Shop]:
    """
    The server, listening.
    """
    shop = Shop()
    thread = threading.Thread(target=shop.server.serve_forever)
    thread.start()
    yield shop
    shop.server.shutdown()
    thread.join()
    shop.server.server_close()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind.
    """
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")
    engine = create_engine(databases.prepared(keyed))
    yield engine
    engine.dispose()


@contextlib.contextmanager
def relaying(engine: sa.Engine, broker_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """
    The process, ended by TERM unless it ended before.
    """
    environment = {
        "PAYOUTS_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "PAYOUTS_KEYRING": KEY,
        "PAYOUTS_BROKER_URL": broker_url,
    }
    command = [sys.executable, "-m", "worker", "relay"]
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        try:
            yield process
        finally:
            process.terminate()


def add_hook(ledger: SqlLedger, url: str) -> None:
    """
    Have the shop told at a server on this machine.
    """
    key = "whsec_YQ=="
    ledger.add_endpoint("shop", EndpointKind.WEBHOOK, url, (), is_private=True, key=key)


def lived(ledger: SqlLedger, number: str, **order: str) -> None:
    """
    A payout with three events: accepted, cancelled, and its debt freed.
    """
    payout_id = accept(ledger, an_order(number, **order))
    assert payout_id is not None
    for action in (Action.CANCEL, Action.RELEASE):
        dossier = ledger.dossier(payout_id)
        ledger.carry_out(dossier, decide(action, dossier, "cli:mei", "wanted"))


def test_an_endpoint_whose_key_is_lost_keeps_out_no_other(
    engine: sa.Engine, broker_url: str, shop: Shop
) -> None:
    """
    Others hear of everything. Its own events wait, untried, until it has a key that can be read.
    """
    ledger = SqlLedger(engine, KEYRING)
    lost = SqlLedger(engine, Keyring([Keyring.generate_key()]))
    add_hook(lost, f"{shop.url}lost")
    with relaying(engine, broker_url):
        lived(ledger, "P-1")
        until(lambda: ledger.backlogs()[0].waiting == 3, PATIENCE)
        add_hook(ledger, shop.url)
        lived(ledger, "P-2")
        until(lambda: len(shop.of("P-2")) == 3, PATIENCE)

        first, second = ledger.endpoints()
        assert (first.lacks_key, second.lacks_key) == (True, False)
        assert [one.waiting for one in ledger.backlogs() if one.endpoint_id == first.id] == [6]
        made = [tried for event in ledger.events(10) for tried in ledger.deliveries(event)]
        assert {len(tries) for address, _, tries in made if address.endswith("lost")} == {0}

        ledger.rotate_key(first.id, "whsec_Yg==", timedelta(hours=1))
        until(lambda: not any(one.waiting for one in ledger.backlogs()), PATIENCE)
    assert len(shop.of("P-1")) == 3
    assert ledger.endpoints()[0].keys == ("whsec_Yg==",)


def test_kill_9_loses_no_event_and_reorders_none(
    engine: sa.Engine, broker_url: str, shop: Shop
) -> None:
    """
    A server that fails now and then, and a relay that is killed ten times while it tells it.
    """
    ledger = SqlLedger(engine, KEYRING)
    add_hook(ledger, shop.url)
    numbers = [f"P-{place:03}" for place in range(60)]
    for number in numbers:
        lived(ledger, number)
    for _ in range(10):
        before = len(shop.heard)
        with relaying(engine, broker_url) as process:
            until(lambda before=before: len(shop.heard) > before + 3, PATIENCE)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
        _end_leases(engine)
    with relaying(engine, broker_url) as process:
        until(lambda: ledger.backlogs()[0].waiting == 0, PATIENCE)
        process.terminate()
        assert process.wait(PATIENCE) == 0

    versions = {number: shop.of(number) for number in numbers}
    assert all(found == sorted(found) and len(found) == 3 for found in versions.values())
    assert len({event["id"] for event in shop.heard}) == 180


def _end_leases(engine: sa.Engine) -> None:
    """
    Let the time of what a killed relay had claimed be over.
    """
    with engine.begin() as conn:
        past = "2020-01-01 00:00:00+00:00"
        conn.execute(
            sa.text("UPDATE deliveries SET next_at = :past WHERE next_at IS NOT NULL"),
            {"past": past},
        )


def test_an_endpoint_that_hangs_delays_nobody_else(
    engine: sa.Engine, broker_url: str, shop: Shop, free_port: int
) -> None:
    """
    One accepts connections and says nothing, one is away; the third hears everything meanwhile.
    """
    ledger = SqlLedger(engine, KEYRING)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], free_port):
            add_hook(ledger, f"http://127.0.0.1:{port}/")
        add_hook(ledger, shop.url)
        for place in range(40):
            lived(ledger, f"P-{place}")
        with relaying(engine, broker_url) as process:
            until(lambda: len(shop.heard) == 120, PATIENCE)
            waiting = [backlog.waiting for backlog in ledger.backlogs()]
            process.kill()

    assert waiting[:2] == [120, 120]


def test_kill_9_of_the_broker_loses_no_event_of_a_queue(engine: sa.Engine, tmp_path: Path) -> None:
    """
    While it is told, up to five times; it comes back with its file. First heard, all are in order.
    """
    kills = 0
    ledger = SqlLedger(engine, KEYRING)
    queue = ledger.add_endpoint("shop", EndpointKind.QUEUE, "shop.events", ())
    numbers = [f"P-{place:03}" for place in range(60)]
    for number in numbers:
        lived(ledger, number)

    def is_all_told() -> bool:
        ledger.retry_endpoint(queue)
        return ledger.unannounced_since() is None and ledger.backlogs()[0].waiting == 0

    with (
        Broker(tmp_path / "broker") as broker,
        contextlib.closing(redis.Redis.from_url(broker.url)) as client,
        relaying(engine, broker.url),
    ):
        for _ in range(5):
            before = client.llen("shop.events")

            def is_amid_or_over(before: int = before) -> bool:
                return is_all_told() or client.llen("shop.events") > before + 5

            until(is_amid_or_over, PATIENCE)
            if is_all_told():
                break  # on a slow machine all may be told between two looks
            broker.kill()
            broker.start()
            kills += 1
        until(is_all_told, PATIENCE)
        heard = [*_queued(broker.url)]

    first = {event["id"]: event["data"] for event in reversed(heard)}
    assert kills
    assert len(first) == 180
    for number in numbers:
        own = [
            data["version"] for data in reversed(first.values()) if data["out_trade_no"] == number
        ]
        assert own == sorted(own)


def test_what_a_broker_may_lose_is_not_told_yet(engine: sa.Engine, tmp_path: Path) -> None:
    """
    A server that never syncs its file has the event, and it waits; it is told once it is on disk.
    """
    ledger = SqlLedger(engine, KEYRING)
    queue = ledger.add_endpoint("shop", EndpointKind.QUEUE, "shop.events", ())
    lived(ledger, "P-1")

    with (
        Broker(tmp_path / "broker") as broker,
        contextlib.closing(redis.Redis.from_url(broker.url)) as client,
    ):
        client.config_set("appendfsync", "no")
        with relaying(engine, broker.url):
            until(lambda: _tried(ledger), PATIENCE)
            (_, delivery, tries), *_ = ledger.deliveries(ledger.events(10)[-1])
            client.config_set("appendfsync", "everysec")
            ledger.retry_endpoint(queue)
            until(lambda: ledger.backlogs()[0].waiting == 0, PATIENCE)
        heard = [event["type"] for event in _queued(broker.url)]

    assert delivery.delivered_at is None
    assert [one.outcome for one in tries] == ["the broker may have lost it"]
    assert heard[0] == heard[1] == "payout.accepted"


def _tried(ledger: SqlLedger) -> bool:
    return any(tries for event in ledger.events(10) for *_, tries in ledger.deliveries(event))


def _queued(broker_url: str) -> Iterator[dict[str, Any]]:
    """
    The events on the queue, in their order there.
    """
    app = Celery("shop", broker=broker_url, set_as_current=False)
    app.conf.task_default_queue = "shop.events"
    with app.connection_for_read() as connection, connection.SimpleQueue("shop.events") as queue:
        for _ in range(queue.qsize()):
            message = queue.get(timeout=5)
            yield message.payload[1]["event"]
            message.ack()


def test_a_queue_gets_each_event_as_a_task(engine: sa.Engine, empty_broker_url: str) -> None:
    """
    In order, under the name that the documents give, with the event as its one argument.
    """
    ledger = SqlLedger(engine, KEYRING)
    ledger.add_endpoint("shop", EndpointKind.QUEUE, "shop.events", ())
    lived(ledger, "P-1")
    got: list[dict[str, object]] = []
    app = Celery("shop", broker=empty_broker_url, set_as_current=False)
    app.conf.task_default_queue = "shop.events"

    with (
        relaying(engine, empty_broker_url),
        contextlib.closing(redis.Redis.from_url(empty_broker_url)) as client,
    ):
        until(lambda: client.llen("shop.events") == 3, PATIENCE)
        with app.connection_for_read() as connection, connection.SimpleQueue("shop.events") as q:
            for _ in range(3):
                message = q.get(timeout=5)
                assert message.headers["task"] == "payouts.event"
                args, kwargs, _embed = message.payload
                assert args == []
                got.append(kwargs["event"])
                message.ack()

    assert [event["type"] for event in got] == [
        "payout.accepted",
        "payout.cancelled",
        "obligation.freed",
    ]

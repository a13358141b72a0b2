"""
The shops by themselves: what is written before it is answered outlives a kill.
"""

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import requests
from celery import Celery

from tests.acceptance.conftest import open_ledger
from tests.chaos.heard import Heard, Hearing
from tests.chaos.plan import QUEUE_SHOP, WEBHOOK_SHOP, Fault, Kind
from tests.chaos.shops import Shops, start_queue_shop, start_webhook_shop, unexplained
from tests.chaos.webhook_shop import LIES, LOST, SLOW, WebhookShop
from tests.factories import at
from tests.waiting import until
from worker.demo.stack import Stack
from worker.payouts.model import Rejection
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.migrate import upgrade

PATIENCE = 60.0


def event(version: int, uid: str | None = None) -> dict[str, object]:
    """
    An event as a shop is told of it.
    """
    data = {"out_trade_no": "N1", "epoch": 1, "version": version}
    return {"id": uid or f"event {version}", "data": data}


def hearing(version: int) -> Hearing:
    """
    What is kept of it.
    """
    return Hearing(f"event {version}", "N1", 1, version)


def has_open(pid: int, path: Path) -> bool:
    """
    Whether a process has opened a file.
    """
    opened = Path(f"/proc/{pid}/fd").iterdir()
    try:
        return any(os.path.realpath(one) == str(path) for one in opened)
    except FileNotFoundError:  # it was closed meanwhile
        return False


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """
    A stack of which only the broker runs.
    """
    with contextlib.ExitStack() as parts:
        found = Stack(tmp_path, parts)
        found.environment["PAYOUTS_BROKER_URL"] = found.broker.url
        yield found
        for child in found.children.values():
            child.kill()


def test_the_first_hearing_is_kept(tmp_path: Path) -> None:
    """
    In the order in which events were heard first, whoever opens the file.
    """
    heard = Heard(tmp_path / "heard.sqlite")
    for version in (2, 1, 2):
        heard.take(event(version))

    assert Heard(heard.path).all() == [hearing(2), hearing(1)]


def test_a_shop_fails_and_lies_until_it_is_healed(tmp_path: Path) -> None:
    """
    Lost, taken without a yes, taken late: and once it is healed, none of it, also anew.
    """
    heard, pauses = Heard(tmp_path / "heard.sqlite"), list[float]()
    drawn = itertools.cycle([0.0, LOST, LOST + LIES, LOST + LIES + SLOW])

    def shop() -> WebhookShop:
        return WebhookShop(heard, lambda: next(drawn), pauses.append)

    sick = shop()
    assert [sick.hear(event(version)) for version in range(1, 5)] == [500, 500, 204, 204]
    assert heard.all() == [hearing(2), hearing(3), hearing(4)]
    assert len(pauses) == 1
    heard.heal()
    assert [sick.hear(event(1)), shop().hear(event(1))] == [204, 204]
    assert len(pauses) == 1


def test_a_web_server_that_is_killed_has_what_it_said_yes_to(stack: Stack) -> None:
    """
    It is killed after each second yes, and started again at the same address.
    """
    shop = start_webhook_shop(stack, seed=1)

    def says_yes(version: int) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.post(shop.address, json=event(version), timeout=PATIENCE).ok
        return False

    for version in range(1, 7):
        until(lambda: says_yes(version), PATIENCE)  # noqa: B023 - called at once
        if version % 2 == 0:
            stack.kill(WEBHOOK_SHOP)
            assert shop.heard.all() == [hearing(one) for one in range(1, version + 1)]
            stack.start(WEBHOOK_SHOP)


def test_a_worker_that_is_killed_is_told_again(stack: Stack) -> None:
    """
    What it had in hand, and had not written down, comes back to the one that is started later.
    """
    shop = start_queue_shop(stack)
    with (
        Celery(broker=stack.broker.url, set_as_current=False) as producer,
        redis.Redis.from_url(stack.broker.url) as broker,
    ):
        with contextlib.closing(sqlite3.connect(shop.heard.path, isolation_level=None)) as file:
            file.execute("BEGIN EXCLUSIVE")  # so that nothing can be written down
            for version in (1, 2):
                told = {"event": event(version)}
                producer.send_task("payouts.event", kwargs=told, queue=shop.address)
            until(lambda: has_open(stack.children[QUEUE_SHOP].pid, shop.heard.path), PATIENCE)
            stack.kill(QUEUE_SHOP)
        stack.start(QUEUE_SHOP)
        until(lambda: len(shop.heard.all()) == 2, PATIENCE)
        until(lambda: broker.hlen("unacked") == 0, PATIENCE)


def test_what_the_broker_lost_is_told_again(stack: Stack) -> None:
    """
    The broker is emptied while events wait on the queue: they are named, sent again, and heard.
    """
    stack.environment |= {
        "PAYOUTS_PROFILE": "sandbox",
        "PAYOUTS_DATABASE_URL": f"sqlite:///{stack.directory}/payouts.sqlite",
        "PAYOUTS_KEYRING": Keyring.generate_key(),
    }
    engine = create_engine(stack.environment["PAYOUTS_DATABASE_URL"])
    upgrade(engine)
    engine.dispose()
    with (
        contextlib.closing(open_ledger(stack)) as ledger,
        Shops(stack, ledger, seed=1) as shops,
        redis.Redis.from_url(stack.broker.url) as broker,
    ):

        def is_told() -> bool:
            return all(
                told.delivered_at is not None
                for event in ledger.events(2)
                for address, told, _ in ledger.deliveries(event)
                if address == shops.queue.address
            )

        def is_heard() -> bool:
            shops.heal()
            return shops.left() == 0

        stack.kill(QUEUE_SHOP)
        stack.start("relay", "worker", "relay")
        for number in ("N1", "N2"):
            ledger.reject(Rejection("invalid", (), 9, "ab", number, DEFAULT_PRODUCER))
        until(lambda: broker.llen(shops.queue.address) == 2 and is_told(), PATIENCE)
        broker.flushall()
        emptied = (Fault(0, Kind.BROKER_EMPTIED, "broker", 0), ledger.now())
        stack.start(QUEUE_SHOP)
        until(is_heard, PATIENCE, every=0.5)

        assert shops.lost.keys() == {event.uid for event in ledger.events(3)}
        assert len(shops.lost) == 2
        assert [*shops.breaches([emptied], restored=False)] == []
        assert [*shops.breaches([], restored=False)] == [
            "2 events were lost on their way to the queue, with 0 cuts"
        ]


def test_a_queue_may_lose_what_a_fault_can_lose_and_no_more() -> None:
    """
    Everything before the broker was emptied; later one message with each connection that was cut.
    """
    emptied = (Fault(0, Kind.BROKER_EMPTIED, "broker", 0), at(seconds=100))
    cut = (Fault(0, Kind.BROKER_CLIENTS_CUT, "broker", 0), at(seconds=200))
    killed = (Fault(0, Kind.SHOP_KILLED, QUEUE_SHOP, 1), at(seconds=300))
    other = (Fault(0, Kind.SHOP_KILLED, WEBHOOK_SHOP, 1), at(seconds=400))
    early = {f"early {place}": at(seconds=place) for place in range(50)}
    late = {f"late {place}": at(seconds=100) + timedelta(minutes=place) for place in (1, 2, 3)}

    assert [*unexplained(early, [emptied])] == []
    assert [*unexplained(early, [cut, killed])] == [
        "50 events were lost on their way to the queue, with 2 cuts"
    ]
    assert [*unexplained(late, [emptied, cut, killed, other])] == [
        "3 events were lost on their way to the queue, with 2 cuts"
    ]
    assert [*unexplained(late, [emptied, cut, killed, killed])] == []

"""
Two applications of one merchant: neither sees, withdraws or hears of the other's, by any way in.
"""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import Celery
from flask import Flask
from werkzeug.test import TestResponse

from tests.integration.api.conftest import Producer
from tests.integration.api.samples import a_job, problem
from tests.integration.webhooks.test_client import Got, answering
from worker.broker.events import QueueCourier
from worker.payouts.endpoint import EndpointKind
from worker.payouts.policy.actions import Action
from worker.payouts.producers import DEFAULT_PRODUCER, Scope
from worker.store.ledger import SqlLedger
from worker.usecases.operate import Operator
from worker.usecases.ports.outbox import Courier
from worker.usecases.producers import Registrar
from worker.usecases.relay import Relay
from worker.webhooks.client import WebhookCourier
from worker.webhooks.signature import new_key

#: A number that nobody has.
NOBODYS = "NOBODYS0001"

#: Every question that names a payout or lists some, and what it is where there is none.
DOORS: Mapping[str, tuple[Callable[[Producer, str], TestResponse], int]] = {
    "show": (lambda one, number: one.get(f"/v1/payouts/{number}"), 404),
    "cancel": (lambda one, number: one.post(f"/v1/payouts/{number}/cancel"), 404),
    "behind": (lambda one, number: one.get(f"/v1/payouts?cursor={number}"), 404),
    "debt": (lambda one, number: one.get(f"/v1/payouts?obligation={number}"), 200),
    "list": (lambda one, _: one.get("/v1/payouts"), 200),
    "held": (lambda one, _: one.get("/v1/payouts?status=queued"), 200),
    "events": (lambda one, _: one.get("/v1/events"), 200),
    "its events": (lambda one, number: one.get(f"/v1/events?number={number}"), 200),
}


@dataclass
class Ears:
    """
    Where an application hears of its events: a server, and a queue of the broker's.
    """

    name: str
    got: Got
    broker_url: str

    def heard(self) -> list[dict[str, Any]]:
        """
        What came to the server, in order; the queue had the same.
        """
        by_hook = [json.loads(body) for _, _, body in self.got]
        with contextlib.closing(redis.Redis.from_url(self.broker_url)) as client:
            found: Any = client.lrange(f"{self.name}.events", 0, -1)
        messages = [json.loads(one) for one in reversed(found)]
        by_queue = [json.loads(base64.b64decode(one["body"]))[1]["event"] for one in messages]
        assert by_queue == by_hook
        return by_hook


@pytest.fixture
def listening(ledger: SqlLedger, empty_broker_url: str) -> Iterator[Callable[[str], Ears]]:
    """
    Give an application a webhook and a queue.
    """
    with contextlib.ExitStack() as servers:

        def add(name: str) -> Ears:
            url, got = servers.enter_context(answering(204))
            hook, queue = EndpointKind.WEBHOOK, EndpointKind.QUEUE
            ledger.add_endpoint(name, hook, url, (), is_private=True, key=new_key())
            ledger.add_endpoint(name, queue, f"{name}.events", ())
            return Ears(name, got, empty_broker_url)

        yield add


@pytest.fixture
def relay(ledger: SqlLedger, empty_broker_url: str) -> Callable[[], None]:
    """
    Tell everybody all that is new.
    """
    app = Celery("relay", broker=empty_broker_url, set_as_current=False)
    couriers: Mapping[EndpointKind, Courier] = {
        EndpointKind.WEBHOOK: WebhookCourier(),
        EndpointKind.QUEUE: QueueCourier(app),
    }
    telling = Relay(ledger, couriers.__getitem__, timedelta(minutes=2), time.monotonic)

    def tell() -> None:
        telling.announce()
        while sum(telling.deliver(one, 100, map) for one in telling.active().values()):
            pass

    return tell


@pytest.fixture
def unsealed(ledger: SqlLedger, accepting: Flask, reading: Flask) -> Producer:
    """
    Whose the jobs are that come over the broker, with a token of each scope.
    """
    registrar = Registrar(ledger, "cli:mei")
    accept, read = (registrar.issue(DEFAULT_PRODUCER, scope, "")[1] for scope in Scope)
    return Producer(DEFAULT_PRODUCER, accept, read, accepting, reading)


@pytest.fixture(params=["payroll", "unsealed"])
def other(request: pytest.FixtureRequest) -> Producer:
    """
    Another application, or whoever speaks over the broker.
    """
    found: Producer = request.getfixturevalue(request.param)
    return found


def test_nothing_tells_of_anothers_payout(
    shop: Producer, other: Producer, ledger: SqlLedger
) -> None:
    """
    Whatever is asked, the answer is word for word that for a number which nobody has.
    """
    pairs = ((shop, other, "ORDER0001"), (other, shop, "ORDER0002"))
    for owner, _, number in pairs:
        assert owner.post("/v1/payouts", a_job(number)).status_code == 201
    ledger.announce(100)

    for owner, stranger, number in pairs:
        for name, (ask, status) in DOORS.items():
            seen = ask(stranger, number)
            assert (name, seen.status_code) == (name, status)
            assert number not in seen.text
            assert (name, seen.data) == (name, ask(stranger, NOBODYS).data)
        # What the stranger tried changed nothing, and its owner finds it behind each door.
        found = [ask(owner, number) for name, (ask, _) in DOORS.items() if name != "cancel"]
        assert [one.status_code for one in found] == [200] * len(found)
        assert [number in one.text for one in found].count(False) == 1  # nothing is behind it


def test_nobody_hears_of_anothers_payout(
    shop: Producer,
    other: Producer,
    listening: Callable[[str], Ears],
    relay: Callable[[], None],
) -> None:
    """
    Each hears its own by webhook and queue; of a number or debt in use no more than it said itself.
    """
    ears = {one.name: listening(one.name) for one in (shop, other)}
    assert shop.post("/v1/payouts", a_job("ORDER0001")).status_code == 201
    assert other.post("/v1/payouts", a_job("ORDER0002")).status_code == 201
    taken = other.post("/v1/payouts", a_job("ORDER0001", amount_fen=1))
    owed = other.post("/v1/payouts", a_job("ORDER0003", obligation="ORDER0001", amount_fen=1))
    shop.post("/v1/payouts/ORDER0001/cancel")
    relay()

    assert problem(taken) == (409, "number_in_use")
    assert problem(owed) == (409, "obligation_taken")
    first, second = (ears[one.name].heard() for one in (shop, other))
    assert [(e["type"], e["data"]["out_trade_no"]) for e in first] == [
        ("payout.accepted", "ORDER0001"),
        ("payout.cancelled", "ORDER0001"),
    ]
    assert [(e["type"], e["data"]["out_trade_no"]) for e in second] == [
        ("payout.accepted", "ORDER0002"),
        ("job.rejected", "ORDER0001"),
        ("job.rejected", "ORDER0003"),
    ]
    assert {e["data"]["producer"] for e in first} == {"shop"}
    assert {e["data"]["producer"] for e in second} == {other.name}
    for rejection in second[1:]:
        assert {*rejection["data"]} <= {"out_trade_no", "producer", "epoch", "version", "faults"}


def test_who_is_disabled_can_do_nothing_and_is_still_told(
    shop: Producer,
    payroll: Producer,
    ledger: SqlLedger,
    listening: Callable[[str], Ears],
    relay: Callable[[], None],
) -> None:
    """
    Its tokens are good for nothing; its payouts go on, and somebody has to hear what comes back.
    """
    ears = listening("shop")
    shop.post("/v1/payouts", a_job("ORDER0001"))
    payroll.post("/v1/payouts", a_job("ORDER0002"))
    Registrar(ledger, "cli:mei").disable("shop", "sold")
    refused = [ask(shop, "ORDER0001") for ask, _ in DOORS.values()]
    refused.append(shop.post("/v1/payouts", a_job("ORDER0003")))
    (payout,) = ledger.numbered("ORDER0001")
    Operator(ledger, "cli:mei").act(Action.CANCEL, payout.id, "sold")
    relay()

    assert {problem(one) for one in refused} == {(401, "unauthenticated")}
    assert [event["type"] for event in ears.heard()] == ["payout.accepted", "payout.cancelled"]
    assert payroll.get("/v1/payouts/ORDER0002").status_code == 200

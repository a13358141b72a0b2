"""
Someone can write to the broker, whatever they like, and holds no producer's key: nobody is paid.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from celery import Celery, chain, group, signature

from tests import sealing
from tests.acceptance.conftest import PATIENCE, a_stack
from tests.sealing import Json
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.demo.stack import Stack
from worker.payouts.job_keys import KeyKind
from worker.payouts.person import Person
from worker.store.ledger import SqlLedger

SECRET, STOLEN = b"k" * 32, b"o" * 32
MEI, WU = Person(1001, "mei"), Person(1002, "wu")
LIVE = {"PAYOUTS_PROFILE": "live"}


def a_job(number: str) -> dict[str, Any]:
    """
    A job that JD would pay at once.
    """
    return {
        "out_trade_no": number,
        "amount_fen": 12_345,
        "payee_account_no": "620000000000000001",
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": "withdrawal",
        "obligation": f"debt of {number}",
    }


def sealed(stack: Stack, job: Json, secret: bytes = SECRET, kid: str = "shop.1") -> str:
    """
    A job as the shop seals it, or another with another key.
    """
    now = datetime.now(UTC)
    claims = sealing.claims(
        job,
        merchant=stack.environment["PAYOUTS_CUSTOMER_NO"],
        profile="live",
        issued=now.isoformat(),
        expires=(now + timedelta(hours=1)).isoformat(),
    )
    return sealing.shared(kid, secret, claims)


def with_keys(ledger: SqlLedger) -> None:
    """
    The shop has a key that counts, one that waits for approval, and one that is retired.
    """
    for person in (MEI, WU):
        ledger.add_person(person.uid, person.name, "cli:root", "finance")
    ledger.add_producer("shop", "mei")
    for material in (SECRET, STOLEN, STOLEN):
        ledger.add_job_key("shop", KeyKind.SHARED, material, MEI)
    for name in ("shop.1", "shop.3"):
        ledger.approve_job_key(name, WU)
    ledger.retire_job_key("shop.3", "wu", "stolen")


def attempts(stack: Stack, good: str) -> Iterator[object]:
    """
    What may be in a job's place: nothing of it is the shop's, but for what it sealed already.
    """
    head, _, rest = good.partition(".")
    yield a_job("EVIL0001")
    yield json.dumps(a_job("EVIL0002"))
    yield sealed(stack, a_job("EVIL0003"), STOLEN, "shop.1")
    yield sealed(stack, a_job("EVIL0004"), STOLEN, "shop.2")
    yield sealed(stack, a_job("EVIL0005"), STOLEN, "shop.3")
    yield sealed(stack, a_job("EVIL0006"), STOLEN, "OWN.1")
    yield f"{head}.{rest[:-2]}AA"
    yield good
    yield [good]
    yield {"sealed": good, **a_job("EVIL0007")}
    yield good + "." + head


def every_way(app: Celery, job: object) -> Iterator[Any]:
    """
    A call of the entry task as Celery may be made to do it.
    """
    entry = signature(TaskName.ENQUEUE.value, kwargs={"job": job}, app=app)
    wake = signature(TaskName.SWEEP.value, app=app, immutable=True)
    yield entry
    yield signature(TaskName.ENQUEUE.value, args=[job], app=app)
    yield chain(wake, entry)
    yield group([entry, entry])
    yield signature("celery.map", args=[entry, [{"job": job}]], app=app)
    yield signature("celery.starmap", args=[entry, [[job]]], app=app)
    yield signature("celery.chunks", args=[entry, [[job]], 1], app=app)
    for name in (TaskName.SUBMIT, TaskName.QUERY, TaskName.SWEEP):
        yield signature(name.value, args=[1, job], kwargs={"job": job, "payout_id": 1}, app=app)
        linked = signature(name.value, app=app, immutable=True)
        linked.link(entry)
        yield linked


def test_whoever_writes_to_the_broker_has_nobody_paid() -> None:
    """
    In the live profile, by every task and every queue: what the shop sealed is paid once.
    """
    with (
        a_stack(settings=LIVE) as (stack, ledger),
        Celery("stranger", broker=stack.broker.url, set_as_current=False) as app,
    ):
        with_keys(ledger)
        good = sealed(stack, a_job("GOOD0001"))
        for job in attempts(stack, good):
            for call in every_way(app, job):
                for queue in QueueName:
                    call.apply_async(queue=queue.value)
        last = sealed(stack, a_job("GOOD0002"))
        app.send_task(TaskName.ENQUEUE.value, kwargs={"job": last}, queue=QueueName.ENTRY.value)

        def are_paid() -> bool:
            found = {p.out_trade_no: p.status for p in ledger.payouts(None, 99)}
            return [found.get(f"GOOD000{n}") for n in (1, 2)] == ["paid", "paid"]

        def is_empty() -> bool:
            with redis.Redis.from_url(stack.broker.url) as broker:
                return all(broker.llen(queue.value) == 0 for queue in QueueName)

        until(is_empty, PATIENCE)
        until(are_paid, PATIENCE)
        orders = {order["out_trade_no"]: order["debits"] for order in stack.books()["orders"]}
        reasons = {rejection.reason for rejection in ledger.rejections(9_999)}
        producers = {payout.producer for payout in ledger.payouts(None, 99)}

    assert orders == {"GOOD0001": 1, "GOOD0002": 1}
    assert producers == {"shop"}
    assert {"unsealed", "bad_seal", "key_not_good"} <= reasons

"""
A worker that dies with a request on the wire, and a broker that loses everything.
"""

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest
import redis

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.audit import audit
from worker.demo.stack import Stack
from worker.demo.story import Actor, cast, enqueue
from worker.payouts.model import AttemptOutcome
from worker.payouts.status import PayoutStatus


def _actor(scenario: str) -> Actor:
    return next(actor for actor in cast() if actor.scenario.name == scenario)


@pytest.mark.parametrize("scenario", ["read_timeout_booked", "read_timeout_unbooked"])
def test_a_worker_killed_while_sending_pays_once(scenario: str) -> None:
    """
    Kill -9 with the submit on the wire, then restart: the payout ends paid, and is paid once.
    """
    # Long enough to be killed in, short enough to be settled soon after.
    patient = {"PAYOUTS_HTTP_DEADLINE": "6s", "PAYOUTS_LEASE_MARGIN": "1s"}
    actor = _actor(scenario)
    with a_stack(settings=patient, sandbox=("--drop-notifications",)) as (stack, ledger):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def status() -> PayoutStatus | None:
            payout = ledger.find(merchant, actor.out_trade_no)
            return payout.status if payout else None

        def transmissions() -> int:
            orders = stack.books()["orders"]
            return sum(
                o["transmissions"] for o in orders if o["out_trade_no"] == actor.out_trade_no
            )

        jobs = enqueue(stack.broker.url, [actor])
        until(lambda: transmissions() == 1, PATIENCE)
        while_sending = status()
        stack.kill("sender")
        stack.start("sender")
        until(lambda: status() is PayoutStatus.PAID, PATIENCE)
        payout = ledger.find(merchant, actor.out_trade_no)
        assert payout is not None
        outcomes = [attempt.outcome for attempt in ledger.dossier(payout.id).attempts]
        found = audit(stack.books(), jobs, ledger)

    assert while_sending is PayoutStatus.SENDING
    assert outcomes[0] is AttemptOutcome.LOST
    assert (found.debits, found.duplicates, found.missing) == (1, 0, 0)


def test_a_broker_that_forgets_everything_loses_no_accepted_payout() -> None:
    """
    FLUSHALL again and again while payouts are under way: every accepted one still ends right.
    """
    actors = [a for a in cast() if a.scenario.name in {"paid_later", "lost_request", "lost_reply"}]
    with a_stack(sandbox=("--drop-notifications",)) as (stack, ledger):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        jobs = enqueue(stack.broker.url, actors)
        until(lambda: len(ledger.payouts(None, 10)) == len(actors), PATIENCE)

        def all_paid() -> bool:
            with redis.Redis.from_url(stack.broker.url) as broker:
                broker.flushall()
            found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
            return all(p is not None and p.status is PayoutStatus.PAID for p in found)

        until(all_paid, PATIENCE, every=0.4)
        found = audit(stack.books(), jobs, ledger)

    assert (found.debits, found.duplicates, found.missing) == (len(actors), 0, 0)


@contextlib.contextmanager
def _nobody_writes(stack: Stack) -> Iterator[None]:
    """
    Hold the database's write lock.
    """
    path = stack.environment["PAYOUTS_DATABASE_URL"].removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def test_a_job_is_its_producers_until_it_is_accepted() -> None:
    """
    Kill -9 while the worker accepts, and the broker forgets: the producer's repetition is paid.
    """
    lost, later = _actor("paid_at_once"), _actor("paid_later")
    with (
        a_stack() as (stack, ledger),
        redis.Redis.from_url(stack.broker.url) as broker,
    ):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def is_being_accepted() -> bool:
            return any(b"payouts.enqueue" in held for held in broker.hvals("unacked"))

        def is_paid(actor: Actor) -> bool:
            payout = ledger.find(merchant, actor.out_trade_no)
            return payout is not None and payout.status is PayoutStatus.PAID

        # A worker that starts for the first time writes down as whom it runs; one that swept has.
        until(lambda: ledger.sweep_count().sweeps, PATIENCE)
        with _nobody_writes(stack):
            jobs = enqueue(stack.broker.url, [lost])
            until(is_being_accepted, PATIENCE)
            stack.kill("worker")
            broker.flushall()
        stack.start("worker")
        jobs += enqueue(stack.broker.url, [later])
        until(lambda: is_paid(later), PATIENCE)
        unknown_yet = ledger.find(merchant, lost.out_trade_no) is None

        enqueue(stack.broker.url, [lost])
        until(lambda: is_paid(lost), PATIENCE)
        found = audit(stack.books(), jobs, ledger)

    assert unknown_yet
    assert (found.debits, found.duplicates, found.missing) == (2, 0, 0)

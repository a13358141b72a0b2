"""
A worker that dies with a request on the wire, and a broker that loses everything.
"""

import pytest
import redis

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.play import settle_accounts
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
        member = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def status() -> PayoutStatus | None:
            payout = ledger.find(member, actor.out_trade_no)
            return payout.status if payout else None

        def transmissions() -> int:
            orders = stack.books()["orders"]
            return sum(
                o["transmissions"] for o in orders if o["out_trade_no"] == actor.out_trade_no
            )

        enqueue(stack.broker.url, [actor])
        until(lambda: transmissions() == 1, PATIENCE)
        while_sending = status()
        stack.kill("worker")
        stack.start("worker")
        until(lambda: status() is PayoutStatus.PAID, PATIENCE)
        payout = ledger.find(member, actor.out_trade_no)
        assert payout is not None
        outcomes = [attempt.outcome for attempt in ledger.dossier(payout.id).attempts]
        found = settle_accounts(stack, ledger)

    assert while_sending is PayoutStatus.SENDING
    assert outcomes[0] is AttemptOutcome.LOST
    assert (found.debits, found.duplicates, found.missing) == (1, 0, 0)


def test_a_broker_that_forgets_everything_loses_no_accepted_payout() -> None:
    """
    FLUSHALL again and again while payouts are under way: every accepted one still ends right.
    """
    actors = [a for a in cast() if a.scenario.name in {"paid_later", "lost_request", "lost_reply"}]
    with a_stack(sandbox=("--drop-notifications",)) as (stack, ledger):
        member = stack.environment["PAYOUTS_CUSTOMER_NO"]
        enqueue(stack.broker.url, actors)
        until(lambda: len(ledger.payouts(None, 10)) == len(actors), PATIENCE)

        def all_paid() -> bool:
            with redis.Redis.from_url(stack.broker.url) as broker:
                broker.flushall()
            found = [ledger.find(member, actor.out_trade_no) for actor in actors]
            return all(p is not None and p.status is PayoutStatus.PAID for p in found)

        until(all_paid, PATIENCE, every=0.4)
        found = settle_accounts(stack, ledger)

    assert (found.debits, found.duplicates, found.missing) == (len(actors), 0, 0)

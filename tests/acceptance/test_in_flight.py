"""
Many requests in flight: they keep nobody else waiting, and are not cut off by an orderly stop.
"""

from dataclasses import replace

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.stack import Stack
from worker.demo.story import Actor, cast, enqueue
from worker.payouts.model import AttemptOutcome
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger

#: More than a pool of processes would have had places for.
MANY = 12

#: Long enough for all of them to hang at once.
PATIENT = {"PAYOUTS_HTTP_DEADLINE": "30s", "PAYOUTS_LEASE_MARGIN": "10s"}


def several(scenario: str, count: int) -> list[Actor]:
    """
    So many payouts of one scenario.
    """
    one = next(actor for actor in cast() if actor.scenario.name == scenario)
    return [replace(one, out_trade_no=f"{one.out_trade_no}{place:03}") for place in range(count)]


def statuses(stack: Stack, ledger: SqlLedger, actors: list[Actor]) -> list[PayoutStatus | None]:
    """
    Where payouts are; None for one that is not accepted yet.
    """
    merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
    found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
    return [None if payout is None else payout.status for payout in found]


def test_replies_that_hang_keep_nobody_waiting() -> None:
    """
    While a dozen replies hang, another job is accepted, sent, asked about and paid.
    """
    hanging, quick = several("read_timeout_unbooked", MANY), several("paid_later", 1)
    with a_stack(settings=PATIENT, sandbox=("--hang", "60s")) as (stack, ledger):
        enqueue(stack.broker.url, hanging)
        until(
            lambda: (
                set(statuses(stack, ledger, hanging)) == {PayoutStatus.SENDING}
                and len(stack.books()["orders"]) >= MANY
            ),
            PATIENCE,
        )
        enqueue(stack.broker.url, quick)
        until(lambda: statuses(stack, ledger, quick) == [PayoutStatus.PAID], PATIENCE)

        assert set(statuses(stack, ledger, hanging)) == {PayoutStatus.SENDING}


def test_a_stop_lets_what_is_on_the_wire_end() -> None:
    """
    TERM while every request waits for its answer: all are answered, and no lease is lost.
    """
    actors = several("paid_at_once", MANY)
    with a_stack(settings=PATIENT, sandbox=("--latency", "4s")) as (stack, ledger):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        enqueue(stack.broker.url, actors)
        until(lambda: set(statuses(stack, ledger, actors)) == {PayoutStatus.SENDING}, PATIENCE)
        sender = stack.children.pop("sender")

        code = sender.stop(grace=PATIENCE)

        assert (code, set(statuses(stack, ledger, actors))) == (0, {PayoutStatus.PAID})
        for actor in actors:
            payout = ledger.find(merchant, actor.out_trade_no)
            assert payout is not None
            (attempt,) = ledger.dossier(payout.id).attempts
            assert attempt.outcome is AttemptOutcome.ANSWERED

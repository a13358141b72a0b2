"""
Our own faults stop the channel and not the payee, with the thresholds as they are by default.
"""

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.story import Actor, cast, enqueue
from worker.payouts.status import PayoutStatus, Reason


def _actors(scenario: str, count: int) -> list[Actor]:
    return [next(a for a in cast() if a.scenario.name == scenario) for _ in range(count)]


def test_three_unverifiable_replies_stop_sending_and_nothing_else() -> None:
    """
    What was sent is followed up to its end by queries; what was not stays queued.
    """
    sent = _actors("bad_reply_signature", 3)
    late = _actors("paid_at_once", 2)
    with a_stack(
        # Queries begin late enough not to come between the three replies.
        settings={"PAYOUTS_UNVERIFIABLE_LIMIT": "3", "PAYOUTS_FOLLOWUPS": "5s,7s,9s"},
        sandbox=("--drop-notifications",),
    ) as (stack, ledger):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def statuses(actors: list[Actor]) -> list[PayoutStatus | None]:
            found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
            return [payout.status if payout else None for payout in found]

        enqueue(stack.broker.url, sent)
        until(lambda: set(statuses(sent)) <= {PayoutStatus.UNKNOWN, PayoutStatus.PAID}, PATIENCE)
        enqueue(stack.broker.url, late)
        until(lambda: statuses(sent) == [PayoutStatus.PAID] * 3, PATIENCE)
        until(lambda: None not in statuses(late), PATIENCE)
        waiting = statuses(late)
        booked = {order["out_trade_no"] for order in stack.books()["orders"]}
        ledger.resume(merchant, "the key was fixed", "operator")
        until(lambda: statuses(late) == [PayoutStatus.PAID] * 2, PATIENCE)

    assert waiting == [PayoutStatus.QUEUED] * 2
    assert booked == {actor.out_trade_no for actor in sent}


def test_a_short_balance_stops_sending() -> None:
    """
    A payout closed for want of balance pauses the channel; the next one waits, unsent.
    """
    (short,) = _actors("balance_short", 1)
    (late,) = _actors("paid_at_once", 1)
    with a_stack() as (stack, ledger):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        enqueue(stack.broker.url, [short])

        def status(actor: Actor) -> PayoutStatus | None:
            payout = ledger.find(merchant, actor.out_trade_no)
            return payout.status if payout else None

        def reason() -> Reason | None:
            payout = ledger.find(merchant, short.out_trade_no)
            return payout.reason if payout else None

        # A notification says only that it was closed: the confirming query says why.
        until(lambda: reason() is Reason.CLOSED_BALANCE_SHORT, PATIENCE)
        enqueue(stack.broker.url, [late])
        until(lambda: status(late) is not None, PATIENCE)
        waiting = status(late)
        failed = status(short)
        ledger.resume(merchant, "topped up", "operator")
        until(lambda: status(late) is PayoutStatus.PAID, PATIENCE)

    assert failed is PayoutStatus.FAILED
    assert waiting is PayoutStatus.QUEUED

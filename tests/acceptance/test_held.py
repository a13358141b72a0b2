"""
The scenario of a payee on the review list, and what becomes of it once a person has looked.
"""

import subprocess
import sys

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.story import cast, enqueue
from worker.payouts.model import Payout
from worker.payouts.status import PayoutStatus, Reason


def test_a_reviewed_payout_is_sent_only_once_a_person_lets_it_go() -> None:
    """
    JD hears nothing of it, after others are paid and its worker was killed; then it is paid, once.
    """
    people = cast()
    held, other = (
        next(actor for actor in people if actor.scenario.name == name)
        for name in ("held_review", "paid_at_once")
    )
    with a_stack() as (stack, ledger):
        customer_no = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def is_in(number: str, status: PayoutStatus) -> Payout | None:
            found = ledger.find(customer_no, number)
            return found if found is not None and found.status is status else None

        enqueue(stack.broker.url, [held])
        until(lambda: is_in(held.out_trade_no, PayoutStatus.HELD), PATIENCE)
        stack.kill("worker")
        stack.start("worker")
        enqueue(stack.broker.url, [held, other])
        until(lambda: is_in(other.out_trade_no, PayoutStatus.PAID), PATIENCE)
        waiting = is_in(held.out_trade_no, PayoutStatus.HELD)
        before = [order["out_trade_no"] for order in stack.books()["orders"]]
        subprocess.run(
            [sys.executable, "-m", "worker", "let-go", held.out_trade_no, "--why", "right payee"],
            env=stack.environment,
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.DEVNULL,
        )
        until(lambda: is_in(held.out_trade_no, PayoutStatus.PAID), PATIENCE)
        after = {o["out_trade_no"]: o["debits"] for o in stack.books()["orders"]}
        cases = ledger.cases(open_only=True, limit=10)

    assert waiting is not None
    assert waiting.reason is Reason.REVIEW
    assert before == [other.out_trade_no]
    assert after == {held.out_trade_no: 1, other.out_trade_no: 1}
    assert cases == []

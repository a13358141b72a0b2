"""
The scenario of a refused request, and what an operator's resend makes of it.
"""

import subprocess
import sys
from typing import Any

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.story import cast, enqueue
from worker.payouts.model import Payout
from worker.payouts.status import PayoutStatus, Reason


def test_a_refused_request_is_refused_again_and_stops_nobody() -> None:
    """
    After a resend it is refused once more, nothing is booked, and another payout is paid meanwhile.
    """
    refused, other = (
        next(actor for actor in cast() if actor.scenario.name == name)
        for name in ("refused_request", "paid_at_once")
    )
    with a_stack() as (stack, ledger):
        customer_no = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def payout(number: str) -> Payout | None:
            return ledger.find(customer_no, number)

        def is_refused(times: int) -> bool:
            found = payout(refused.out_trade_no)
            return (
                found is not None
                and found.status is PayoutStatus.REFUSED
                and row()["transmissions"] == times
            )

        def row() -> dict[str, Any]:
            orders = stack.books()["orders"]
            return next(o for o in orders if o["out_trade_no"] == refused.out_trade_no)

        enqueue(stack.broker.url, [refused])
        until(lambda: is_refused(1), PATIENCE)
        subprocess.run(
            [sys.executable, "-m", "worker", "resend", refused.out_trade_no, "--why", "corrected"],
            env=stack.environment,
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.DEVNULL,
        )
        until(lambda: is_refused(2), PATIENCE)
        enqueue(stack.broker.url, [other])
        until(lambda: (found := payout(other.out_trade_no)) and found.status.is_final, PATIENCE)
        last = payout(refused.out_trade_no)
        books = stack.books()

    assert last is not None
    assert (last.status, last.reason) == (PayoutStatus.REFUSED, Reason.REQUEST_REFUSED)
    assert [order["debits"] for order in books["orders"]] == [0, 1]

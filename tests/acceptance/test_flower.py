"""
What Flower shows of a payout.
"""

from typing import Any

import requests

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.broker.names import TaskName
from worker.demo.story import cast, enqueue, job
from worker.payouts.status import PayoutStatus


def test_flower_shows_the_work_and_no_payee() -> None:
    """
    Every kind of task is seen to succeed, and no argument holds an account number or a name.
    """
    actor = next(a for a in cast() if a.scenario.name == "no_notifications")
    personal = job(actor, 1)
    seen: dict[str, Any] = {}
    with a_stack(flower=True) as (stack, ledger), requests.Session() as web:
        web.trust_env = False
        user, _, password = stack.environment["FLOWER_BASIC_AUTH"].partition(":")
        web.auth = (user, password)

        def shown() -> dict[str, Any]:
            try:
                reply = web.get(f"{stack.flower_url}/api/tasks?limit=1000", timeout=5)
            except requests.ConnectionError:
                return {}
            return dict(reply.json()) if reply.ok else {}

        until(shown, PATIENCE)  # it shows sweeps, so it sees all that follows
        enqueue(stack.broker.url, [actor])
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def is_paid() -> bool:
            payout = ledger.find(merchant, actor.out_trade_no)
            return payout is not None and payout.status is PayoutStatus.PAID

        until(is_paid, PATIENCE)

        def succeeded() -> set[str]:
            seen.update(shown())
            return {task["name"] for task in seen.values() if task["state"] == "SUCCESS"}

        until(lambda: succeeded() >= {name.value for name in TaskName}, PATIENCE)

    told = repr(seen)
    assert str(personal["payee_account_no"]) not in told
    assert str(personal["payee_account_name"]) not in told

"""
A script against the whole product: what JD says is contradictory, and the money is still right.
"""

import dataclasses
import json
from pathlib import Path

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.audit import audit
from worker.demo.story import cast, enqueue
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus

CLOSED_THEN_PAID = "6222000000000000018"
LOST_AND_FOUND = "6222000000000000026"

STORIES = [
    {
        "name": "closed, then paid",
        "payee_account_no": CLOSED_THEN_PAID,
        "queries": [
            {"trade_status": "CLOS", "trade_respcode": "BAC2000006"},
            {"trade_status": "FINI", "after": "5s"},
        ],
        "notifications": [{"at": "5s", "trade_status": "FINI"}],
    },
    {
        "name": "lost, then not found, then paid",
        "payee_account_no": LOST_AND_FOUND,
        "submits": [{"connection": "cut", "books": True}],
        "queries": [{"response_code": "TRADE_NOT_EXIST"}, {"trade_status": "FINI"}],
    },
]


def test_the_books_follow_a_script(tmp_path: Path) -> None:
    """
    A close that becomes a success ends paid with a case, a lost reply paid, and the books agree.
    """
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"stories": STORIES}), encoding="utf-8")
    closed, lost = (
        dataclasses.replace(actor, scenario=dataclasses.replace(actor.scenario, account_no=account))
        for actor, account in zip(cast(), (CLOSED_THEN_PAID, LOST_AND_FOUND), strict=False)
    )
    with a_stack(sandbox=("--script", str(script))) as (stack, ledger):
        customer_no = stack.environment["PAYOUTS_CUSTOMER_NO"]

        def status(number: str) -> PayoutStatus | None:
            payout = ledger.find(customer_no, number)
            return payout.status if payout else None

        jobs = enqueue(stack.broker.url, [closed, lost])
        until(lambda: status(closed.out_trade_no) is PayoutStatus.FAILED, PATIENCE)
        until(lambda: status(closed.out_trade_no) is PayoutStatus.PAID, PATIENCE)
        until(lambda: status(lost.out_trade_no) is PayoutStatus.PAID, PATIENCE)
        cases = {(case.out_trade_no, case.kind) for case in ledger.cases(open_only=True, limit=9)}
        found = audit(stack.books(), jobs, ledger)
        told = {order["story"] for order in stack.books()["orders"]}

    assert cases == {(closed.out_trade_no, CaseKind.CONTRADICTION)}
    assert (found.faults, found.duplicates, found.debits) == ((), 0, 2)
    assert told == {story["name"] for story in STORIES}

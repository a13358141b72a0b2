"""
A database put back as it was, under a whole stack, with a gateway that has gone on.
"""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.audit import audit
from worker.demo.stack import Stack
from worker.demo.story import Actor, cast, enqueue
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger

SCENARIOS = ("paid_later", "paid_at_once", "lost_reply", "closed_later")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def _are_ended(stack: Stack, ledger: SqlLedger, actors: list[Actor]) -> bool:
    merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
    found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
    ends = {PayoutStatus.PAID, PayoutStatus.FAILED}
    return all(payout is not None and payout.status in ends for payout in found)


@pytest.mark.parametrize("way", ["with the journal", "and nobody says so"])
def test_a_database_from_before_pays_nothing_twice(way: str, tmp_path: Path) -> None:
    """
    Everything was accepted and sent after the backup; producers repeat their jobs.
    """
    actors = [actor for actor in cast() if actor.scenario.name in SCENARIOS]
    with a_stack() as (stack, ledger):
        path = Path(stack.environment["PAYOUTS_DATABASE_URL"].removeprefix("sqlite:///"))
        backup = tmp_path / "backup.sqlite"
        _copy(path, backup)
        jobs = enqueue(stack.broker.url, actors)
        until(lambda: _are_ended(stack, ledger, actors), PATIENCE)
        stopped = [name for name in stack.children if name != "sandbox"]
        for name in stopped:
            stack.kill(name)
        ledger.close()
        _copy(backup, path)
        assert ledger.count() == 0
        if way == "with the journal":
            command = [sys.executable, "-m", "worker", "restored", "--why", "a drill"]
            subprocess.run(
                [*command, "--journal", stack.environment["PAYOUTS_JOURNAL"]],
                env={**stack._outside, **stack.environment},
                check=True,
            )
            assert ledger.count() == len(actors)
        for name in stopped:
            stack.start(name)
        enqueue(stack.broker.url, actors)
        until(lambda: _are_ended(stack, ledger, actors), PATIENCE)
        found = audit(stack.books(), jobs, ledger)
        orders = stack.books()["orders"]
        kinds = {case.kind for case in ledger.cases(open_only=False, limit=100)}

    assert (found.duplicates, found.missing) == (0, 0)
    assert {order["transmissions"] for order in orders} == {1}
    assert kinds >= ({CaseKind.FORGOTTEN} if way == "with the journal" else {CaseKind.UNEXPECTED})

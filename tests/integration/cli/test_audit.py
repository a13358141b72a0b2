"""
`payouts audit`, over whole rows and over tampered ones.
"""

import json

import pytest
import sqlalchemy as sa

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import an_answer, answered, queued
from worker.payouts.evidence import TradeStatus
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger


@pytest.fixture
def lives(ledger: SqlLedger, merchant_settings: str) -> None:
    """
    One payout that waits and one that was paid.
    """
    queued(ledger, "ORDER001")
    answered(ledger, an_answer("ORDER002", trade_status=TradeStatus.FINI), "ORDER002")


def test_whole_rows_pass(run: Run, lives: None) -> None:
    """
    Payouts that came about by the rules break no invariant.
    """
    result = run("audit", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"ok": True, "payouts": 2, "breaches": 0, "listed": []}


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        # a status without a move, which no evidence carries either
        ("UPDATE payouts SET status = 'returned' WHERE out_trade_no = 'ORDER002'", {"I5", "I6"}),
        # evidence that was never signed
        ("UPDATE evidence SET verified = 0", {"I6", "I7"}),
        # evidence about someone else's money
        ("UPDATE evidence SET amount_fen = 1", {"I6", "I7"}),
        # evidence that nobody judged
        ("UPDATE evidence SET applied_at = NULL", {"I6"}),
        # a move that left no trace
        ("DELETE FROM transitions WHERE to_status = 'paid'", {"I5"}),
        # a payout that may have been sent, put back into the queue
        (
            "UPDATE payouts SET exposed = 0, status = 'queued' WHERE out_trade_no = 'ORDER002'",
            {"I4", "I5", "I6"},
        ),
    ],
)
def test_tampered_rows_are_found(
    run: Run, lives: None, store_settings: str, tampering: str, broken: set[str]
) -> None:
    """
    Each kind of damage breaks the invariants that it should, and the exit code is 1.
    """
    engine = create_engine(store_settings)
    with engine.begin() as conn:
        conn.execute(sa.text(tampering))
    engine.dispose()

    result = run("audit", "--json")

    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert {breach["invariant"] for breach in document["listed"]} == broken
    assert {breach["out_trade_no"] for breach in document["listed"]} == {"ORDER002"}

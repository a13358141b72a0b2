"""
An operator's decisions, from the command to the ledger.
"""

import json

import pytest
import sqlalchemy as sa

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import MEMBER, NUMBER, an_answer, answered, clerk, queued
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.store.tables import decisions


def test_a_queued_payout_is_withdrawn(run: Run, ledger: SqlLedger, store_settings: str) -> None:
    """
    `cancel` moves it, never sends it, and keeps who and why.
    """
    payout_id = queued(ledger)

    result = run("cancel", NUMBER, "--why", "the user asked for it")

    assert result.exit_code == 0
    payout = ledger.dossier(payout_id).payout
    assert (payout.status, payout.next_send_at) == (PayoutStatus.CANCELLED, None)
    assert ledger.history(payout_id)[-1].to_status is PayoutStatus.CANCELLED
    engine = create_engine(store_settings)
    with engine.begin() as conn:
        (decision,) = conn.execute(sa.select(decisions)).all()
    engine.dispose()
    assert (decision.action, decision.why, decision.payout_id) == (
        "cancel",
        "the user asked for it",
        payout_id,
    )


def test_a_sent_payout_is_not_withdrawn(run: Run, ledger: SqlLedger) -> None:
    """
    Exit code 1, the reason in one line, and nothing changed.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.WPAR))

    result = run("cancel", NUMBER, "--why", "too late")

    assert result.exit_code == 1
    assert "it is processing" in result.stderr
    assert ledger.dossier(payout_id).payout.status is PayoutStatus.PROCESSING


def test_a_refused_payout_is_sent_again_once_mended(run: Run, ledger: SqlLedger) -> None:
    """
    `resend` makes the same number due, and a worker may claim it again.
    """
    refused = Answer(verified=True, meaning=Meaning.REQUEST, code="ILLEGAL_ARGUMENT")
    payout_id = answered(ledger, refused)
    before = ledger.dossier(payout_id).payout

    result = run("resend", NUMBER, "--why", "the mapping is mended", "--json")

    assert json.loads(result.stdout)["decision"]["action"] == "resend"
    assert (before.status, before.next_send_at) == (PayoutStatus.REFUSED, None)
    assert ledger.due_sends(10, clerk(ledger).rules.wake_again) == [payout_id]


def test_an_obligation_is_not_freed_without_proof(run: Run, ledger: SqlLedger) -> None:
    """
    The message says what proof there could be.
    """
    answered(ledger, an_answer(trade_status=TradeStatus.CLOS))

    result = run("release", NUMBER, "--why", "pay again")

    assert result.exit_code == 1
    assert "CLOS in two queries at least 24 hours apart" in result.stderr
    assert ledger.paying(MEMBER, NUMBER) is not None


def test_a_freed_obligation_may_be_paid_by_another(run: Run, ledger: SqlLedger) -> None:
    """
    After `release` a second number is accepted for what the first one owed.
    """
    queued(ledger, "ORDER001", obligation="SALARY-7")
    run("cancel", "ORDER001", "--why", "wrong card")

    result = run("release", "ORDER001", "--why", "right card follows")

    assert result.exit_code == 0
    assert ledger.paying(MEMBER, "SALARY-7") is None
    assert queued(ledger, "ORDER002", obligation="SALARY-7")


def test_a_case_is_resolved_once(run: Run, ledger: SqlLedger) -> None:
    """
    `resolve` closes it; a second time there is nothing to close.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.REFU, refund_fen=1))
    (case,) = ledger.dossier(payout_id).open_cases

    first = run("resolve", str(case.id), "--why", "booked the part")
    second = run("resolve", str(case.id), "--why", "again")

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "closed already" in second.stderr
    clerk(ledger).settle(payout_id)
    assert ledger.dossier(payout_id).open_cases == ()


@pytest.mark.parametrize("command", ["cancel", "let-go", "resend", "release", "resolve"])
def test_a_decision_needs_its_reason(run: Run, command: str) -> None:
    """
    Without `--why` it is a usage error.
    """
    assert run(command, "1").exit_code == 2

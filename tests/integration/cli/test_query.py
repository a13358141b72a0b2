"""
Asking JD now.
"""

import dataclasses
import json

from tests.contract.samples import close_attempt
from tests.integration.cli.conftest import Place, Run
from tests.integration.cli.samples import NUMBER, TERMS, claimed, handler, queued
from worker.payouts.model import AttemptOutcome
from worker.store.ledger import SqlLedger


def _sent(ledger: SqlLedger, gateway_url: str) -> None:
    terms = dataclasses.replace(TERMS, gateway_url=gateway_url)
    attempt = claimed(ledger, payout_id := queued(ledger, terms=terms))
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    handler(ledger).apply(payout_id)


def test_the_answer_is_stored_and_shown(
    run: Run, healthy: None, ledger: SqlLedger, sandbox: Place
) -> None:
    """
    JD does not know this number: that is an answer, and the payout stays unknown.
    """
    _sent(ledger, sandbox.url)

    result = run("query", NUMBER, "--json")
    shown = json.loads(result.stdout)

    assert (result.exit_code, shown["answered"], shown["status"]) == (0, True, "unknown")
    assert [(e["source"], e["code"]) for e in shown["evidence"]] == [("query", "TRADE_NOT_EXIST")]


def test_no_answer_is_said_so(run: Run, healthy: None, ledger: SqlLedger, free_port: int) -> None:
    """
    Exit code 1, the payout as it was, and where to look.
    """
    _sent(ledger, f"https://127.0.0.1:{free_port}/npp10")

    result = run("query", NUMBER, "--json")
    shown = json.loads(result.stdout)

    assert (result.exit_code, shown["answered"], shown["evidence"]) == (1, False, [])
    assert "`payouts doctor` finds out" in result.stderr


def test_an_unknown_number_asks_nobody(run: Run, healthy: None, ledger: SqlLedger) -> None:
    """
    What we do not have is not asked about.
    """
    assert run("query", "NOSUCHNUMBER").exit_code == 1

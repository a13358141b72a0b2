"""
What someone is woken for, and what is done after a restore.
"""

import json

from tests.factories import a_claimant
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import queued
from worker.store.ledger import SqlLedger


def test_all_is_well_while_sweeps_go_on(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    A database that was swept just now gives no alert.
    """
    ledger.count_sweep()

    result = run("alerts", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["alerts"] == []


def test_a_database_that_nobody_sweeps_is_an_alert(run: Run, merchant_settings: str) -> None:
    """
    Monitoring learns it from the exit code, people from the line.
    """
    result = run("alerts", "--json")
    told = json.loads(result.stdout)

    assert result.exit_code == 1
    assert (told["ok"], told["swept_at"]) == (False, None)
    assert [alert["kind"] for alert in told["alerts"]] == ["silence"]
    assert "silence" in run("alerts").stdout


def test_a_pause_is_an_alert_with_its_reason(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    Whoever is woken reads why nothing is sent.
    """
    ledger.count_sweep()
    run("pause", "--why", "wrong file")

    (alert,) = json.loads(run("alerts", "--json").stdout)["alerts"]

    assert (alert["kind"], alert["detail"]) == ("paused", "sending is paused: wrong file")


def test_after_a_restore_nothing_is_sent_unasked(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    `payouts restored` puts every unfinished payout in doubt, and says how many.
    """
    payout_id = queued(ledger)
    ledger.count_sweep()

    told = json.loads(run("restored", "--why", "last night's backup", "--json").stdout)

    assert told == {"in_doubt": 1}
    payout = ledger.dossier(payout_id).payout
    assert payout.doubted_at == payout.next_query_at is not None
    assert ledger.claim([payout.id], a_claimant()).claims == ()
    (alert,) = json.loads(run("alerts", "--json").stdout)["alerts"]
    assert alert["kind"] == "restored"

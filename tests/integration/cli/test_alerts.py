"""
What someone is woken for, and what is done after a restore.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.factories import NOON, a_claimant, a_payout, an_order
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import queued
from worker import bootstrap
from worker.payouts.claim import Claim
from worker.payouts.model import Attempt
from worker.payouts.status import PayoutStatus
from worker.settings import StoreSettings
from worker.store.journal import FileJournal
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

    assert told == {"in_doubt": 1, "journal": {"claims": 0, "forgotten": []}}
    payout = ledger.dossier(payout_id).payout
    assert payout.doubted_at == payout.next_query_at is not None
    assert ledger.claim([payout.id], a_claimant()).claims == ()
    (alert,) = json.loads(run("alerts", "--json").stdout)["alerts"]
    assert alert["kind"] == "restored"


def test_a_journal_puts_back_what_the_database_forgot(
    run: Run,
    merchant_settings: str,
    ledger: SqlLedger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Each claim that it lacks is told, by number, amount and debt, and stands as a case.
    """
    keyring = bootstrap.keyring(StoreSettings.load())
    attempt = Attempt(7, 7, 1, "lost", NOON)
    claim = Claim(a_payout(PayoutStatus.QUEUED), attempt, an_order("ORDER009"), "a request")
    FileJournal(tmp_path / "journal", keyring, timedelta(days=1)).record("epoch", [claim])

    told = run("restored", "--why", "a backup", "--journal", str(tmp_path / "journal")).stdout
    again = run("restored", "--why", "a backup", "--journal", str(tmp_path / "journal"), "--json")

    assert "of 1 claims in the journal 1 were forgotten" in told
    assert "ORDER009" in told
    payout = ledger.find(merchant_settings, "ORDER009")
    assert payout is not None
    assert (payout.status, payout.exposed) == (PayoutStatus.UNKNOWN, True)
    assert json.loads(again.stdout) == {"in_doubt": 1, "journal": {"claims": 1, "forgotten": []}}


def test_a_journal_that_cannot_be_read_changes_nothing(
    run: Run, merchant_settings: str, ledger: SqlLedger, tmp_path: Path
) -> None:
    """
    The file and the line are named, and no epoch began.
    """
    (tmp_path / "claims-1.jsonl").write_text("junk\n")
    before = ledger.sweep_count()
    told = run("restored", "--why", "a backup", "--journal", str(tmp_path))

    assert told.exit_code == 1
    assert "claims-1.jsonl, line 1" in told.stderr
    assert ledger.sweep_count() == before

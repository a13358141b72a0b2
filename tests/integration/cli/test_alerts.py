"""
What someone is woken for, and what is done after a restore.
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.factories import NOON, a_claimant, a_payout, an_order
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import queued
from worker.payouts.claim import Claim
from worker.payouts.model import Attempt, AttemptOutcome, Rejection
from worker.payouts.status import PayoutStatus
from worker.store.journal import FileJournal
from worker.store.ledger import SqlLedger


@pytest.fixture
def monitored(
    monkeypatch: pytest.MonkeyPatch, merchant_settings: str, empty_broker_url: str
) -> str:
    """
    A database and an empty broker, configured; the merchant's number.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", empty_broker_url)
    return merchant_settings


def test_all_is_well_while_sweeps_end(run: Run, monitored: str, ledger: SqlLedger) -> None:
    """
    A database that was swept just now gives no alert.
    """
    ledger.end_sweep(monitored)

    result = run("alerts", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["alerts"] == []


def test_sweeps_that_only_begin_are_an_alert(run: Run, monitored: str, ledger: SqlLedger) -> None:
    """
    Monitoring learns it from the exit code, people from the line.
    """
    ledger.count_sweep()
    result = run("alerts", "--json")
    told = json.loads(result.stdout)

    assert result.exit_code == 1
    assert (told["ok"], told["swept_at"]) == (False, None)
    assert told["alerts"] == [
        {
            "kind": "silence",
            "severity": "page",
            "detail": "no sweep has ever ended well",
            "command": "payouts doctor",
        }
    ]
    assert "silence" in run("alerts").stdout


def test_a_pause_is_an_alert_with_its_reason(run: Run, monitored: str, ledger: SqlLedger) -> None:
    """
    Whoever is woken reads why nothing is sent.
    """
    ledger.end_sweep(monitored)
    run("pause", "--why", "wrong file")

    (alert,) = json.loads(run("alerts", "--json").stdout)["alerts"]

    assert (alert["kind"], alert["detail"]) == ("paused", "sending is paused: wrong file")


def test_what_may_wait_for_the_morning_wakes_nobody(
    run: Run, monitored: str, ledger: SqlLedger
) -> None:
    """
    It is told, and the exit code is 0, by which monitoring decides; then someone has looked at it.
    """
    ledger.end_sweep(monitored)
    ledger.reject(Rejection("invalid", ("amount_fen: missing",), 12, "0" * 64))

    told = run("alerts", "--json")
    looked = json.loads(run("acknowledge", "--json").stdout)

    (alert,) = json.loads(told.stdout)["alerts"]
    assert (alert["kind"], alert["severity"], told.exit_code) == ("rejected", "ticket", 0)
    assert looked == {"rejected": 1, "foreign": 0}
    assert json.loads(run("alerts", "--json").stdout)["alerts"] == []


def test_a_broker_that_is_away_is_an_alert_and_no_error(
    run: Run, monitored: str, ledger: SqlLedger, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What the database tells is told all the same.
    """
    ledger.end_sweep(monitored)
    monkeypatch.setenv("PAYOUTS_BROKER_URL", f"redis://127.0.0.1:{free_port}/0")
    ledger.pause(monitored, "drill", "mei")

    told = json.loads(run("alerts", "--json").stdout)

    assert [alert["kind"] for alert in told["alerts"]] == ["broker", "paused"]


def test_after_a_restore_nothing_is_sent_unasked(
    run: Run, monitored: str, ledger: SqlLedger
) -> None:
    """
    `payouts restored` puts every unfinished payout in doubt, and says how many.
    """
    payout_id = queued(ledger)
    ledger.end_sweep(monitored)

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
    attempt = Attempt(7, 7, 1, "lost", NOON)
    claim = Claim(a_payout(PayoutStatus.QUEUED), attempt, an_order("ORDER009"), "a request")
    FileJournal(tmp_path / "journal", ledger.seals, timedelta(days=1)).record("epoch", [claim])

    told = run("restored", "--why", "a backup", "--journal", str(tmp_path / "journal")).stdout
    again = run("restored", "--why", "a backup", "--journal", str(tmp_path / "journal"), "--json")

    assert "of 1 claims in the journal 1 were forgotten" in told
    assert "ORDER009" in told
    payout = ledger.find(merchant_settings, "ORDER009")
    assert payout is not None
    assert (payout.status, payout.exposed) == (PayoutStatus.UNKNOWN, True)
    assert json.loads(again.stdout) == {"in_doubt": 1, "journal": {"claims": 1, "forgotten": []}}


def test_a_lease_that_the_backup_holds_is_waited_for(
    run: Run, merchant_settings: str, ledger: SqlLedger, tmp_path: Path
) -> None:
    """
    The backup was made while the payout was being sent, and the journal names a later claim.
    """
    payout_id = queued(ledger)
    (claim,) = ledger.claim([payout_id], a_claimant(lease=timedelta(seconds=1))).claims
    later = replace(claim, attempt=replace(claim.attempt, id=9, number=2, lease_token="lost"))
    journal = tmp_path / "journal"
    FileJournal(journal, ledger.seals, timedelta(days=1)).record("epoch", [later])

    told = run("restored", "--why", "a backup", "--journal", str(journal), "--json")

    assert told.exit_code == 0
    assert [one["found"] for one in json.loads(told.stdout)["journal"]["forgotten"]] == ["attempt"]
    tries = ledger.dossier(payout_id).attempts
    assert [(a.lease_token, a.outcome) for a in tries] == [
        (claim.attempt.lease_token, AttemptOutcome.LOST),
        ("lost", AttemptOutcome.LOST),
    ]


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

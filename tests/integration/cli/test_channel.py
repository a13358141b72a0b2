"""
Stopping and starting what is sent.
"""

import json

import pytest

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import NUMBER, queued
from worker.payouts.limits import Limits
from worker.store.ledger import SqlLedger


def test_a_merchant_that_was_never_paused_sends(run: Run, merchant_settings: str) -> None:
    """
    Without any record the channel is open.
    """
    shown = json.loads(run("channel", "--json").stdout)

    assert (shown["customer_no"], shown["paused"]) == (merchant_settings, False)


def test_a_pause_stops_the_next_claim(
    run: Run, merchant_settings: str, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After `pause` no worker gets a payout, and the record says who and why.
    """
    monkeypatch.setenv("LOGNAME", "mei")
    payout = ledger.dossier(queued(ledger)).payout

    shown = json.loads(run("pause", "--why", "wrong file", "--json").stdout)

    assert (shown["paused"], shown["paused_why"], shown["paused_by"]) == (
        True,
        "wrong file",
        "cli:mei",
    )
    assert ledger.claim(payout, "canonical", Limits().lease, "worker") is None


def test_resume_lets_it_go_on(run: Run, merchant_settings: str, ledger: SqlLedger) -> None:
    """
    After `resume` the payout can be claimed.
    """
    payout = ledger.dossier(queued(ledger)).payout
    run("pause", "--why", "wrong file")

    result = run("resume", "--why", "file [corrected]")

    assert result.exit_code == 0
    assert "file [corrected]" in result.stdout
    assert ledger.claim(payout, "canonical", Limits().lease, "worker") is not None


def test_the_first_reason_stands(run: Run, merchant_settings: str) -> None:
    """
    A second pause does not hide why the first was made.
    """
    run("pause", "--why", "first")

    assert "first" in run("pause", "--why", "second").stdout


@pytest.mark.parametrize("arguments", [(), ("--why", "  "), ("--why", "two\nlines")])
def test_a_reason_is_demanded(run: Run, merchant_settings: str, arguments: tuple[str, ...]) -> None:
    """
    No reason, a blank one or several lines are usage errors.
    """
    assert run("pause", *arguments).exit_code == 2


def test_a_user_without_a_name_has_a_number(
    run: Run, merchant_settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In a container whose user has no entry, the user id is recorded.
    """

    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)

    shown = json.loads(run("pause", "--why", "drill", "--json").stdout)

    assert shown["paused_by"].startswith("cli:uid ")


def test_a_paused_channel_shows_its_payouts_still(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    A pause changes no payout.
    """
    queued(ledger)
    run("pause", "--why", "drill")

    assert json.loads(run("show", NUMBER, "--json").stdout)["status"] == "queued"


def test_an_open_breaker_is_shown(run: Run, merchant_settings: str, ledger: SqlLedger) -> None:
    """
    Whoever asks why nothing is sent reads that sending rests, and until when.
    """
    ledger.open_breaker(merchant_settings, Limits().breaker_rest)

    assert "RESTING" in run("channel").stdout
    assert json.loads(run("channel", "--json").stdout)["broken_until"] is not None

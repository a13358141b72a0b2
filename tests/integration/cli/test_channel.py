"""
Stopping and starting what is sent.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.samples import TERMS, an_order
from tests.factories import a_claimant
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import MERCHANT, NUMBER, queued
from worker import os_user
from worker.payouts.acceptance import Entry
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

    Who is the operating system's word: what the environment says, anyone may say.
    """
    for name in ("LOGNAME", "USER", "SUDO_USER", "SUDO_UID"):
        monkeypatch.setenv(name, "finance-director\x1b[31m\n")
    monkeypatch.setattr("os.getuid", lambda: 4242)
    monkeypatch.setattr(os_user, "name_of", lambda uid: {4242: "mei"}[uid])
    monkeypatch.setattr(os_user, "_LOGIN_UID", Path("/nowhere"))
    payout = ledger.dossier(queued(ledger)).payout

    shown = json.loads(run("pause", "--why", "wrong file", "--json").stdout)

    assert (shown["paused"], shown["paused_why"], shown["paused_by"]) == (
        True,
        "wrong file",
        "cli:mei (uid 4242)",
    )
    assert ledger.claim([payout.id], a_claimant()).claims == ()


def test_resume_lets_it_go_on(run: Run, merchant_settings: str, ledger: SqlLedger) -> None:
    """
    After `resume` the payout can be claimed.
    """
    payout = ledger.dossier(queued(ledger)).payout
    run("pause", "--why", "wrong file")

    result = run("resume", "--why", "file [corrected]")

    assert result.exit_code == 0
    assert "file [corrected]" in result.stdout
    assert len(ledger.claim([payout.id], a_claimant()).claims) == 1


def test_the_pace_and_the_backlog_are_told(
    run: Run, merchant_settings: str, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    How fast payouts go out, how many are due, and how long those take so.
    """
    monkeypatch.setenv("PAYOUTS_SEND_PACE", "6/m")
    monkeypatch.setenv("PAYOUTS_QUERY_PACE", "7/s")
    for place in range(13):
        ledger.accept([Entry(an_order(f"P-{place}"))], TERMS)

    shown = json.loads(run("channel", "--json").stdout)
    lines = run("channel").stdout.splitlines()

    told = [shown[name] for name in ("send_pace", "sends_due", "query_pace", "queries_due")]
    assert told == ["6/m", 13, "7/s", 0]
    # 13 payouts, one each 10 seconds: 130 seconds are more than two minutes.
    assert "sends: at most 6/m; 13 due, which takes 3 min" in lines
    assert "questions: at most 7/s; none is due" in lines


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
    monkeypatch.setattr("os.getuid", lambda: 987_654)

    shown = json.loads(run("pause", "--why", "drill", "--json").stdout)

    assert shown["paused_by"].startswith("cli:uid 987654")


def test_who_became_another_is_told(
    run: Run, merchant_settings: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The kernel remembers who logged in, whatever `sudo` or `su` made of them since.
    """
    login_uid = tmp_path / "loginuid"
    login_uid.write_text("1001")
    monkeypatch.setattr(os_user, "_LOGIN_UID", login_uid)
    monkeypatch.setattr("os.getuid", lambda: 987_654)

    shown = json.loads(run("pause", "--why", "drill", "--json").stdout)

    assert shown["paused_by"] == "cli:uid 987654, logged in as uid 1001"


def test_a_name_from_outside_is_shown_escaped(
    run: Run, merchant_settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A user's name may hold anything: it moves no cursor and begins no line.
    """
    monkeypatch.setattr(os_user, "name_of", lambda _uid: "mei\x1b[2J\nPAUSED: no")

    told = run("pause", "--why", "drill").stdout

    assert "mei\\x1b[2J\\nPAUSED: no" in told
    assert "\x1b" not in told


def test_a_paused_channel_shows_its_payouts_still(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    A pause changes no payout.
    """
    queued(ledger)
    run("pause", "--why", "drill")

    assert json.loads(run("show", NUMBER, "--json").stdout)["status"] == "queued"


def test_a_pause_names_its_remedy(run: Run, merchant_settings: str, ledger: SqlLedger) -> None:
    """
    In the channel's own page and in that of a payout that waits.
    """
    queued(ledger)
    run("pause", "--why", "drill")

    assert 'fix the cause, then: payouts resume --why "..."' in run("channel").stdout
    assert "fix the cause, then `payouts resume`" in flowed(run("show", NUMBER).stdout)


def test_an_open_breaker_is_shown(run: Run, merchant_settings: str, ledger: SqlLedger) -> None:
    """
    Whoever asks why nothing is sent reads that sending rests, until when, and that it ends itself.
    """
    queued(ledger)
    ledger.open_breaker(merchant_settings, Limits().breaker_rest)

    shown = json.loads(run("channel", "--json").stdout)
    following = json.loads(run("show", NUMBER, "--json").stdout)["next"]

    assert "RESTING" in run("channel").stdout
    assert "it goes on by itself" in run("channel").stdout
    assert shown["broken_until"] is not None
    assert "Sending rests until 20" in following
    assert "it goes on by itself" in following
    assert "It is due to be sent" not in following


def test_a_restored_database_stops_the_whole_merchant(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    `channel` says how many payouts JD has still to answer for, and what may be done meanwhile.
    """
    queued(ledger)
    queued(ledger, "ORDER002")
    ledger.begin_epoch("mei", "backup of Monday", timedelta(days=7))

    told = run("channel").stdout
    following = json.loads(run("show", NUMBER, "--json").stdout)["next"]

    assert told.startswith(f"IN DOUBT: nothing is sent for merchant {merchant_settings}")
    assert "JD has still to answer for 2 payouts" in told
    assert "`payouts query NUMBER` asks at once" in told
    assert json.loads(run("channel", "--json").stdout)["in_doubt"] == 2
    assert "nothing is sent until JD has answered for 2 payouts" in following
    assert "It is due to be sent" not in following


def test_every_reason_is_told_at_once(run: Run, merchant_settings: str, ledger: SqlLedger) -> None:
    """
    Who resumes a paused channel learns beforehand that it stays closed, and why.
    """
    queued(ledger)
    ledger.begin_epoch("mei", "backup of Monday", timedelta(days=7))
    ledger.open_breaker(merchant_settings, Limits().breaker_rest)

    told = run("pause", "--why", "drill").stdout

    assert [line.split(":")[0] for line in told.splitlines() if line[:2].isupper()] == [
        "PAUSED",
        "RESTING",
        "IN DOUBT",
    ]
    assert "JD has still to answer for 1 payout\n" in told


@pytest.mark.parametrize("stop", ["rest", "doubt"])
def test_the_doctor_sees_what_stops_the_sending(
    healthy: None, run: Run, ledger: SqlLedger, stop: str
) -> None:
    """
    A rest and a doubt are findings, and the channel is not called open.
    """
    queued(ledger)
    if stop == "rest":
        ledger.open_breaker(MERCHANT, Limits().breaker_rest)
    else:
        ledger.begin_epoch("mei", "backup of Monday", timedelta(days=7))

    checks = json.loads(run("doctor", "--json").stdout)["checks"]

    (found,) = [check for check in checks if check["check"] == "channel"]
    assert found["level"] == "warning"
    assert ("rests until" if stop == "rest" else "1 payout") in found["seen"]


def flowed(page: str) -> str:
    """
    A page without its line ends.
    """
    return " ".join(page.split())

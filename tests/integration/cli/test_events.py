"""
Endpoints and events at the command line.
"""

import json
from datetime import timedelta

import pytest

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import NUMBER, queued
from worker.payouts.endpoint import Try
from worker.store.ledger import SqlLedger

URL = "https://shop.example/hook"


def added(run: Run, *arguments: str) -> dict[str, object]:
    """
    An endpoint that was just added, as JSON.
    """
    document: dict[str, object] = json.loads(run("endpoints", "add", *arguments, "--json").stdout)
    return document


def test_an_endpoint_is_added_and_its_key_shown_once(run: Run, merchant_settings: str) -> None:
    """
    What is listed later holds no key.
    """
    made = added(run, URL, "--type", "payout.paid", "--type", "obligation.freed")
    key = made["key"]
    assert isinstance(key, str)
    assert key.startswith("whsec_")
    listed = run("endpoints", "list", "--json").stdout
    (one,) = json.loads(listed)["endpoints"]

    assert (one["address"], one["types"]) == (URL, ["obligation.freed", "payout.paid"])
    assert key not in listed + run("endpoints", "list").stdout
    again = json.loads(run("endpoints", "rotate", "1", "--json").stdout)
    assert again["key"] not in {key, None}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("http://shop.example/hook",), "use https"),
        (("https://user:hush@shop.example/",), "without a user name"),
        ((URL, "--type", "payout.lost"), "payout.lost"),
        ((URL, "--producer", "nobody"), "payouts producers list"),
    ],
)
def test_a_wrong_address_is_refused(
    run: Run, merchant_settings: str, arguments: tuple[str, ...], says: str
) -> None:
    """
    In one line that says what would be right, and nothing is stored.
    """
    result = run("endpoints", "add", *arguments)

    assert result.exit_code != 0
    assert says in result.stderr
    assert "hush" not in result.stderr
    assert json.loads(run("endpoints", "list", "--json").stdout)["endpoints"] == []


def test_an_address_is_added_once(run: Run, merchant_settings: str) -> None:
    """
    Its server has one key; another producer's server may be at the same place.
    """
    added(run, URL)
    again = run("endpoints", "add", URL)
    run("producers", "add", "shop")
    anothers = added(run, URL, "--producer", "shop")
    run("endpoints", "disable", "1")
    anew = added(run, URL)

    assert again.exit_code == 1
    assert "`payouts endpoints rotate 1` prints a new key" in again.stderr
    assert (anothers["id"], anew["id"]) == (2, 3)


def test_what_is_not_there_is_said(run: Run, merchant_settings: str) -> None:
    """
    An endpoint or an event that nobody knows is no traceback.
    """
    for command in (
        ("endpoints", "disable", "9"),
        ("endpoints", "rotate", "9"),
        ("endpoints", "retry", "9"),
        ("events", "show", "nothing"),
        ("events", "resend", "nothing"),
    ):
        result = run(*command)
        assert (result.exit_code, "Traceback" in result.output) == (1, False)
        assert "there is no" in result.stderr


def test_an_event_is_listed_shown_and_sent_again(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    With where it went, when it was tried, and what was answered.
    """
    added(run, URL, "--producer", "unsealed")
    queued(ledger)
    ledger.announce(10)
    (event,) = json.loads(run("events", "list", "--number", NUMBER, "--json").stdout)["events"]
    assert (event["type"], event["data"]["out_trade_no"]) == ("payout.accepted", NUMBER)
    (delivery,) = ledger.claim_deliveries(1, 10, timedelta(minutes=1))
    ledger.note_tries([(delivery, Try(delivery.id, True, "204", timedelta(milliseconds=9)))])

    shown = json.loads(run("events", "show", event["id"], "--json").stdout)
    (told,) = shown["deliveries"]
    assert (told["address"], told["state"]) == (URL, "delivered")
    assert [(one["outcome"], one["milliseconds"]) for one in told["tries"]] == [("204", 9)]
    assert "204" in run("events", "show", event["id"]).stdout
    assert json.loads(run("events", "resend", event["id"], "--json").stdout) == {"deliveries": 1}
    lost = run("events", "resend", "--endpoint", "1", "--since", "1h", "--json").stdout
    assert json.loads(lost) == {"deliveries": 1}
    for wrong in (("--since", "1h"), (event["id"], "--endpoint", "1", "--since", "1h"), ()):
        assert "or --since with --endpoint" in run("events", "resend", *wrong).stderr
    run("endpoints", "disable", "1")
    result = run("events", "resend", event["id"])
    assert (result.exit_code, "endpoints list" in result.stderr) == (1, True)


def test_a_relay_that_stands_still_is_not_well(
    run: Run, merchant_settings: str, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An event that nobody announces for a minute.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", "redis://127.0.0.1:1/0")
    queued(ledger)
    assert run("relay", "--check").exit_code == 0
    later = ledger.now() + timedelta(seconds=61)
    monkeypatch.setattr(SqlLedger, "now", lambda _self: later)
    result = run("relay", "--check")

    assert (result.exit_code, "no relay announces" in result.stderr) == (1, True)
    ledger.announce(10)
    assert run("relay", "--check").exit_code == 0

"""
`payouts producers limit`, `payouts deny` and `payouts controls`, by one person in the sandbox.
"""

import json

import pytest
import sqlalchemy as sa

from tests.doubles.owner import take_fences_away
from tests.factories import a_claimant
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import ACCOUNT, NUMBER, claimed, queued
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.store.control_tables import control_changes
from worker.store.ledger import SqlLedger

pytestmark = pytest.mark.usefixtures("merchant_settings")


def test_limits_are_set_shown_and_lifted(run: Run, ledger: SqlLedger) -> None:
    """
    One by one; what is not named stays, and who raised one alone is told that nobody was asked.
    """
    limit = ("producers", "limit", "unsealed")
    assert run(*limit).stdout == "no limit\n"
    assert run(*limit, "--day-fen", "5").exit_code == 2

    first = run(*limit, "--day-fen", "500", "--new-payees", "3", "--why", "agreed")
    raised = run(*limit, "--day-fen", "600", "--why", "they grew")

    assert "500 fen a day, 3 new payees a day: in force" in first.stdout
    assert "nobody else was asked" not in first.stdout
    assert "600 fen a day, 3 new payees a day: in force" in raised.stdout
    assert "nobody else was asked" in raised.stdout
    assert "600 fen a day, 3 new payees a day" in run("producers", "list").stdout
    run(*limit, "--lift", "day-fen", "--lift", "new-payees", "--why", "not needed")
    assert run(*limit).stdout == "no limit\n"
    assert run("audit").exit_code == 0


def test_what_exceeds_a_limit_is_let_go_by_a_person(run: Run, ledger: SqlLedger) -> None:
    """
    In the sandbox one suffices, and what was decided says so.
    """
    run("producers", "limit", "unsealed", "--largest-fen", "1", "--why", "agreed")
    payout_id = queued(ledger)
    assert not ledger.claim([payout_id], a_claimant()).claims

    story = run("show", NUMBER).stdout
    assert "a limit of its producer's" in story
    told = run("let-go", NUMBER, "--why", "agreed with the shop")

    assert told.exit_code == 0
    assert "in the sandbox profile one person is enough" in run("show", NUMBER).stdout
    assert run("audit").exit_code == 0
    claimed(ledger, payout_id)


def test_a_denied_payee_comes_by_a_file_and_is_shown_by_its_ends(
    run: Run, ledger: SqlLedger
) -> None:
    """
    Never on the command line, never in an answer.
    """
    denied = run("deny", "add", "-", "--why", "a court says so", "--json", text=f"{ACCOUNT}\n")
    entry = json.loads(denied.stdout)["change"]["id"]
    payout_id = queued(ledger)
    shown = [
        run("deny", "list").stdout,
        run("controls", "list", "--all").stdout,
        run("show", NUMBER).stdout,
    ]

    assert ledger.dossier(payout_id).payout.status is PayoutStatus.HELD
    assert f"{ACCOUNT[:4]} **** **** {ACCOUNT[-4:]}" in shown[0]
    assert not any(ACCOUNT in told for told in (denied.output, *shown))
    assert [case.kind for case in ledger.dossier(payout_id).open_cases] == [CaseKind.DENIED]
    assert run("deny", "remove", str(entry), "--why", "no longer").exit_code == 0
    assert run("let-go", NUMBER, "--why", "no longer denied").exit_code == 0
    assert run("audit").exit_code == 0
    claimed(ledger, payout_id)


def test_what_is_no_account_number_is_not_repeated(run: Run) -> None:
    """
    It may be one with a slip in it.
    """
    told = run("deny", "add", "-", "--why", "a court says so", text="6222 0212 3456")

    assert told.exit_code == 2
    assert "the account number must be 5 to 32 digits" in told.output
    assert "6222" not in told.output


def test_records_that_were_changed_are_confirmed(run: Run, ledger: SqlLedger) -> None:
    """
    Who lists producers is told; nothing else can be changed before.
    """
    run("producers", "limit", "unsealed", "--day-fen", "500", "--why", "agreed")
    assert run("controls", "confirm", "--why", "in vain").exit_code == 1
    with ledger._engine.begin() as conn:
        take_fences_away(conn)
        conn.execute(sa.update(control_changes).values(day_fen=50_000))

    listed = run("producers", "list")
    refused = run("deny", "add", "-", "--why", "a court says so", text=ACCOUNT)

    assert listed.exit_code == refused.exit_code == 1
    assert "not what was written" in listed.output
    assert "payouts controls confirm" in refused.output
    assert run("controls", "confirm", "--why", "compared with the minutes").exit_code == 0
    assert "50000 fen a day" in run("producers", "list").stdout

"""
One action on many payouts of one cause.
"""

import json

from tests.contract.samples import close_attempt
from tests.factories import a_claimant
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import MERCHANT, SUBJECT, answered, handler, queued
from worker.jdpay.request import render
from worker.payouts.evidence import Answer, Meaning
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote
from worker.store.ledger import SqlLedger

FEN = 1_234_567
SHORT = Answer(verified=True, meaning=Meaning.BALANCE, code="ACCOUNT_BALANCE_NOT_ENOUGH")
WRONG = Answer(verified=True, meaning=Meaning.REQUEST, code="ILLEGAL_ARGUMENT")
CHOICE = ("--all", "--status", "refused", "--reason", "balance_refused", "--why", "topped up")


def a_day_of_short_balance(ledger: SqlLedger, count: int = 3) -> list[int]:
    """
    Payouts that JD refused because the balance was short, and one that it refused otherwise.
    """
    answered(ledger, WRONG, "OTHERCAUSE1")
    ids = []
    for place in range(count):
        ids.append(answered(ledger, SHORT, f"SHORT{place:04}"))
        ledger.resume(MERCHANT, "so that the next is sent", "test")
    return ids


def test_a_day_of_short_balance_is_sent_again_at_once(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    All of that cause, none of another; the totals are told before and after.
    """
    ids = a_day_of_short_balance(ledger)

    result = run("resend", *CHOICE, "--yes", "--json")

    told = json.loads(result.stdout)
    assert (told["chosen"], told["chosen_fen"]) == (3, 3 * FEN)
    assert (told["done"], told["done_fen"], told["failed"]) == (3, 3 * FEN, [])
    assert "3 payouts, 37,037.01 yuan (3703701 fen)" in result.stderr
    due = [p.id for p in ledger.payouts(PayoutStatus.REFUSED, 9) if p.next_send_at]
    assert sorted(due) == ids
    assert [d.why for d in ledger.decisions(ids[0])] == ["topped up"]


def test_nothing_is_done_before_someone_confirms(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    The preview names what it is about; the answer no, or none, ends it.
    """
    ids = a_day_of_short_balance(ledger, 12)

    for answer in ("n\n", ""):
        result = run("resend", *CHOICE, text=answer)
        assert result.exit_code == 1
        assert "SHORT0009" in result.stderr
        assert "and 2 more" in result.stderr

    assert all(ledger.dossier(n).payout.next_send_at is None for n in ids)
    assert run("resend", *CHOICE, text="y\n").exit_code == 0
    assert all(ledger.dossier(n).payout.next_send_at for n in ids)


def test_what_cannot_be_done_is_told_and_stops_no_other(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    Each payout is a transaction of its own: one waits for a person, the others go.
    """
    first, second, third = a_day_of_short_balance(ledger)
    ledger.open_case(second, CaseNote(CaseKind.MISMATCH))

    result = run("fail", *CHOICE, "--yes", "--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["done"], told["done_fen"]) == (2, 2 * FEN)
    (failed,) = told["failed"]
    assert (failed["id"], failed["out_trade_no"]) == (second, "SHORT0001")
    assert "mismatch" in failed["error"]
    statuses = [ledger.dossier(n).payout.status for n in (first, second, third)]
    assert statuses == [PayoutStatus.FAILED, PayoutStatus.REFUSED, PayoutStatus.FAILED]


def test_one_is_named_or_all_are_chosen(
    run: Run, merchant_settings: str, ledger: SqlLedger
) -> None:
    """
    Half a choice is a wrong command line: nothing is guessed.
    """
    number = "ORDER001"
    queued(ledger, number)
    for arguments in (
        (),
        ("--all",),
        (number, "--all", "--status", "queued"),
        (number, "--status", "queued"),
        ("--status", "queued"),
    ):
        assert run("cancel", *arguments, "--why", "asked to").exit_code == 2
    assert run("cancel", "--all", "--status", "held", "--why", "x", "--yes").exit_code == 0
    assert ledger.payouts(PayoutStatus.QUEUED, 9)
    assert run("cancel", number, "--why", "asked to").exit_code == 0


def test_a_mended_request_is_shown_before_it_is_sent(
    run: Run, healthy: None, ledger: SqlLedger
) -> None:
    """
    What differs, not what was there of free text; and nothing is done before someone confirms.
    """
    payout_id = queued(ledger, "ORDER001")
    text = render(ledger.order(payout_id), ledger.dossier(payout_id).payout.terms, ledger.now())
    (claim,) = ledger.claim([payout_id], a_claimant(text)).claims
    close_attempt(ledger, claim.attempt, AttemptOutcome.ANSWERED, WRONG.code, WRONG)
    handler(ledger).apply(payout_id)
    mend = ("resend", "ORDER001", "--subject", "wages", "--why", "as JD asks")

    refused = run(*mend, text="n\n")

    assert refused.exit_code == 1
    assert "characters -> wages" in refused.stderr
    assert SUBJECT not in refused.output
    assert ledger.dossier(payout_id).payout.next_send_at is None
    told = json.loads(run(*mend, "--yes", "--json").stdout)
    assert told["mended"] == ["notify_url", "trade_subject"]
    assert "trade_subject=wages" in (ledger.request(payout_id) or "")
    assert ledger.dossier(payout_id).payout.next_send_at is not None

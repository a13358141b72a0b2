"""
An operator's decisions, from the command to the ledger.
"""

import json

import pytest
import sqlalchemy as sa

from tests.contract.samples import record
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import MERCHANT, NUMBER, an_answer, answered, handler, queued
from worker import os_user
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.store.tables import decisions


def stale(ledger: SqlLedger) -> tuple[int, int]:
    """
    A payout that is held because its last moment has passed, and its case.
    """
    payout_id = queued(ledger, send_before="2020-01-01T12:00:00+08:00")
    handler(ledger).apply(payout_id)
    (case,) = ledger.dossier(payout_id).open_cases
    return payout_id, case.id


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

    result = run("resend", NUMBER, "--why", "the mapping is fixed", "--json")

    assert json.loads(result.stdout)["decision"]["action"] == "resend"
    assert (before.status, before.next_send_at) == (PayoutStatus.REFUSED, None)
    assert ledger.find_due_sends(MERCHANT, 10) == [payout_id]


def test_an_obligation_is_not_freed_without_proof(run: Run, ledger: SqlLedger) -> None:
    """
    The message says what proof there could be.
    """
    answered(ledger, an_answer(trade_status=TradeStatus.CLOS))

    result = run("release", NUMBER, "--why", "pay again")

    assert result.exit_code == 1
    assert "CLOS in two queries at least 24 hours apart" in result.stderr
    assert ledger.holders_of(NUMBER) != []


def test_a_freed_obligation_may_be_paid_by_another(run: Run, ledger: SqlLedger) -> None:
    """
    After `release` a second number is accepted for what the first one owed.
    """
    queued(ledger, "ORDER001", obligation="SALARY-7")
    run("cancel", "ORDER001", "--why", "wrong card")

    result = run("release", "ORDER001", "--why", "right card follows")

    assert result.exit_code == 0
    assert ledger.holders_of("SALARY-7") == []
    assert "its obligation is free" in json.loads(run("show", "ORDER001", "--json").stdout)["next"]
    assert queued(ledger, "ORDER002", obligation="SALARY-7")
    following = json.loads(run("show", "ORDER001", "--json").stdout)["next"]
    assert following == "Nothing: payout ORDER002 (id 2) pays instead."


def test_a_paid_payout_is_called_paid(run: Run, ledger: SqlLedger) -> None:
    """
    Who wants to free its obligation is told what it is, not that nothing is proven.
    """
    answered(ledger, an_answer(trade_status=TradeStatus.FINI))

    told = run("release", NUMBER, "--why", "pay again").stderr

    assert told.startswith("Error: it is paid: the payee has the money")
    assert "nothing proves" not in told


def test_a_refused_payout_is_given_up(run: Run, ledger: SqlLedger) -> None:
    """
    `fail` ends it on JD's refusal; its obligation is freed once a query finds nothing, not before.
    """
    refused = Answer(verified=True, meaning=Meaning.REQUEST, code="ILLEGAL_ARGUMENT")
    payout_id = answered(ledger, refused)
    (refusal,) = ledger.dossier(payout_id).evidence

    result = run("fail", NUMBER, "--why", "the account was closed", "--json")

    told = json.loads(result.stdout)
    assert (told["payout"]["status"], told["payout"]["reason"]) == ("failed", "failed_by_hand")
    assert told["decision"]["proof"] == [refusal.id]
    assert ledger.history(payout_id)[-1].evidence_id == refusal.id
    assert run("release", NUMBER, "--why", "pay again").exit_code == 1


def test_a_stale_payout_is_let_go_directly(run: Run, ledger: SqlLedger) -> None:
    """
    The case that holds it is closed by the decision, and names it.
    """
    payout_id, case_id = stale(ledger)

    result = run("let-go", NUMBER, "--why", "still wanted", "--json")

    told = json.loads(result.stdout)
    assert (told["payout"]["status"], told["decision"]["case_id"]) == ("queued", case_id)
    assert ledger.dossier(payout_id).open_cases == ()


def test_cases_name_their_legal_actions(run: Run, ledger: SqlLedger) -> None:
    """
    In the list, alone, and in the payout's own story: what closes it as things are.
    """
    payout_id, case_id = stale(ledger)

    listed = json.loads(run("cases", "--json").stdout)["cases"]
    shown = json.loads(run("cases", "show", str(case_id), "--json").stdout)["case"]
    story = json.loads(run("show", NUMBER, "--json").stdout)["open_cases"]

    assert listed == [shown] == story
    assert (shown["kind"], shown["actions"]) == ("stale", ["cancel", "let-go"])
    assert "cancel let-go" in run("cases").stdout
    page = run("cases", "show", str(case_id)).stdout
    assert f"`payouts cancel {payout_id}`, `payouts let-go {payout_id}`" in page


def test_a_case_is_settled_by_a_legal_action_alone(run: Run, ledger: SqlLedger) -> None:
    """
    Looking does not settle a stale payout, and sending again is no answer to it.
    """
    payout_id, case_id = stale(ledger)

    looked = run("resolve", str(case_id), "--why", "seen")
    failed = run("resolve", str(case_id), "--why", "no", "--action", "fail")
    applied = run("resolve", str(case_id), "--why", "too late", "--action", "cancel", "--json")
    again = run("resolve", str(case_id), "--why", "once more", "--action", "cancel")

    assert (looked.exit_code, failed.exit_code, again.exit_code) == (1, 1, 1)
    assert "it waits for a decision" in looked.stderr
    assert "it is held; this needs refused" in failed.stderr
    assert "closed already" in again.stderr
    told = json.loads(applied.stdout)
    assert (told["case"]["actions"], told["payout"]["status"]) == ([], "cancelled")
    (decision,) = ledger.decisions(payout_id)
    assert (decision.action, decision.case_id) == (Action.CANCEL, case_id)
    assert (decision.who, decision.why) == (os_user.current().who, "too late")
    assert "too late" in run("show", NUMBER).stdout


def test_a_replacement_takes_its_job(run: Run, ledger: SqlLedger) -> None:
    """
    A case of a partial return names it, and `resolve` says which command it is.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.FINI))
    part = an_answer(trade_status=TradeStatus.REFU, refund_fen=1)
    payout, now = ledger.dossier(payout_id).payout, ledger.now()
    record(ledger, payout, Source.QUERY, part, asked_at=now)
    handler(ledger).apply(payout_id)
    (case,) = ledger.dossier(payout_id).open_cases

    result = run("resolve", str(case.id), "--why", "pay again", "--action", "replace")

    assert result.exit_code == 1
    assert "`payouts replace NUMBER FILE`" in result.stderr
    assert f"`payouts replace {payout_id} FILE`" in run("cases", "show", str(case.id)).stdout


def test_an_orphan_is_resolved(run: Run, ledger: SqlLedger) -> None:
    """
    A number that we do not have has no payout to act on.
    """
    ledger.notify(MERCHANT, [an_answer("ORDER404")])
    (case,) = ledger.cases(open_only=True, limit=10)
    (told,) = json.loads(run("cases", "--json").stdout)["cases"]

    result = run("resolve", str(case.id), "--why", "found in the old database")

    assert (told["actions"], result.exit_code) == (["resolve"], 0)
    assert json.loads(run("cases", "--json").stdout)["cases"] == []


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
    handler(ledger).apply(payout_id)
    assert ledger.dossier(payout_id).open_cases == ()


def test_a_closed_case_says_who_closed_it_and_advises_nothing(run: Run, ledger: SqlLedger) -> None:
    """
    One about a number that we do not have, too: it is told nowhere else.
    """
    ledger.notify(MERCHANT, [an_answer("ORDER404")])
    (case,) = ledger.cases(open_only=True, limit=10)
    before = run("cases", "show", str(case.id)).stdout
    run("resolve", str(case.id), "--why", "found in the old database")

    page = run("cases", "show", str(case.id)).stdout
    told = json.loads(run("cases", "show", str(case.id), "--json").stdout)

    assert ("to do" in before, "to do" in page, "close by" in page) == (True, False, False)
    assert f"with resolve, by {os_user.current().who}: found in the old database" in page
    assert told["case"]["advice"] == "none: it is closed"
    assert told["decision"]["why"] == "found in the old database"


@pytest.mark.parametrize("command", ["cancel", "let-go", "resend", "fail", "release", "resolve"])
def test_a_decision_needs_its_reason(run: Run, command: str) -> None:
    """
    Without `--why` it is a usage error.
    """
    assert run(command, "1").exit_code == 2


def test_payouts_follow_jd_to_its_new_address(
    run: Run, ledger: SqlLedger, healthy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    All of one status at once, on record; at a public address nothing is, before jobs are sealed.
    """
    for number in ("ORDER001", "ORDER002"):
        answered(ledger, an_answer(number, trade_status=TradeStatus.WPAR), number=number)
    chosen = ("redirect", "--all", "--status", "processing", "--yes", "--why", "JD moved")
    monkeypatch.setenv("PAYOUTS_GATEWAY_URL", "https://8.8.8.8/npp10")
    refused = run(*chosen)
    monkeypatch.setenv("PAYOUTS_GATEWAY_URL", "https://127.0.0.1:9444/npp10")
    done = run(*chosen)
    again = run("redirect", "ORDER001", "--why", "JD moved")

    assert (refused.exit_code, done.exit_code, again.exit_code) == (1, 0, 1)
    assert "public address" in refused.stderr
    assert "already" in again.stderr
    for payout in ledger.payouts(None, 9):
        assert payout.terms.gateway_url == "https://127.0.0.1:9444/npp10"
        (decision,) = ledger.decisions(payout.id)
        assert decision.why == "JD moved (from now on at https://127.0.0.1:9444/npp10)"

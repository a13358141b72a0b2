"""
`payouts replace`: from the job in a file to the payout that pays instead.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.samples import record
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import (
    ACCOUNT,
    MERCHANT,
    NUMBER,
    PRIVATE,
    a_job,
    an_answer,
    answered,
    handler,
    queued,
)
from worker import os_user
from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.model import CaseKind
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger

NEW = "PAYOUT20260302B"


@pytest.fixture
def withdrawn(run: Run, ledger: SqlLedger, healthy: None) -> int:
    """
    A payout for SALARY-7 that was withdrawn; its id.
    """
    payout_id = queued(ledger, obligation="SALARY-7")
    assert run("cancel", NUMBER, "--why", "wrong card").exit_code == 0
    return payout_id


def replace(run: Run, **changes: object) -> tuple[int, dict[str, Any], str]:
    """
    The exit code, the document and all else that is printed when a job comes through a pipe.
    """
    job = json.dumps(a_job(NEW, **changes))
    result = run("replace", NUMBER, "-", "--why", "right card", "--json", text=job)
    assert not any(private in result.output + result.stderr for private in PRIVATE)
    return result.exit_code, json.loads(result.stdout), result.stderr


def test_the_job_pays_instead(run: Run, ledger: SqlLedger, withdrawn: int) -> None:
    """
    Without naming the obligation it pays the old one's; both are told, and show each other.
    """
    code, told, _ = replace(run)

    assert code == 0
    (holder,) = ledger.holders_of("SALARY-7")
    assert (holder.out_trade_no, holder.status) == (NEW, PayoutStatus.QUEUED)
    assert told["payout"]["id"] == withdrawn
    assert told["replaced_by"]["id"] == holder.id
    *_, decision = ledger.decisions(withdrawn)
    assert (decision.action, decision.replaced_by) == (Action.REPLACE, holder.id)
    assert (decision.who, decision.why) == (os_user.current().who, "right card")
    assert f"(payout {holder.id} pays instead)" in run("show", NUMBER).stdout
    assert f"(instead of payout {withdrawn})" in run("show", NEW).stdout
    following = json.loads(run("show", NUMBER, "--json").stdout)["next"]
    assert following == f"Nothing: payout {NEW} (id {holder.id}) pays instead."
    assert run("audit").exit_code == 0


def test_a_replacement_to_a_listed_payee_is_held(
    run: Run, ledger: SqlLedger, withdrawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    That it is a person who replaces does not mean that someone looked at the payee.
    """
    monkeypatch.setenv("PAYOUTS_REVIEW_ACCOUNTS", ACCOUNT)

    told = run("replace", NUMBER, "-", "--why", "right card", text=json.dumps(a_job(NEW)))

    assert told.exit_code == 0
    assert "pays instead of" in told.stdout
    assert "it is held: `payouts let-go`" in told.stdout
    (holder,) = ledger.holders_of("SALARY-7")
    assert (holder.out_trade_no, holder.status) == (NEW, PayoutStatus.HELD)
    assert [case.kind for case in ledger.dossier(holder.id).open_cases] == [CaseKind.REVIEW]
    assert run("audit").exit_code == 0


def test_a_replacement_that_pays_twice_alike_is_held(
    run: Run, ledger: SqlLedger, withdrawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As much goes to the same payee for another debt: a job is compared by this door as well.
    """
    queued(ledger, "ORDER009")
    monkeypatch.setenv("PAYOUTS_DUPLICATES_WITHIN", "24h")

    told = run("replace", NUMBER, "-", "--why", "right card", text=json.dumps(a_job(NEW)))

    assert "it is held: `payouts let-go`" in told.stdout
    (holder,) = ledger.holders_of("SALARY-7")
    assert [case.kind for case in ledger.dossier(holder.id).open_cases] == [CaseKind.DUPLICATE]
    assert run("audit").exit_code == 0


def test_a_file_is_read(run: Run, ledger: SqlLedger, withdrawn: int, tmp_path: Path) -> None:
    """
    People are told both numbers.
    """
    path = tmp_path / "工单.json"
    path.write_text(json.dumps(a_job(NEW, obligation="SALARY-7")), encoding="utf-8")

    result = run("replace", NUMBER, str(path), "--why", "right card")

    assert result.exit_code == 0
    assert f"{NEW}, payout {withdrawn + 1}, pays instead of {NUMBER}" in result.stdout


def test_every_fault_is_told_at_once(run: Run, ledger: SqlLedger, withdrawn: int) -> None:
    """
    Those of the job by itself and those beside the old payout; nothing is written.
    """
    queued(ledger, NEW)

    code, told, stderr = replace(
        run, payee_bank_code="NOBANK", amount_fen=1_234_568, obligation="SALARY-8"
    )

    assert code == 1
    assert [fault.partition(":")[0] for fault in told["faults"]] == [
        "payee_bank_code",
        "obligation",
        "amount_fen",
        "out_trade_no",
    ]
    assert all(fault in stderr for fault in told["faults"])
    (holder,) = ledger.holders_of("SALARY-7")
    assert holder.id == withdrawn
    assert len(ledger.decisions(withdrawn)) == 1


def test_a_time_that_has_passed_is_told(run: Run, withdrawn: int) -> None:
    """
    It could never be sent.
    """
    code, told, _ = replace(run, send_before="2020-01-01T12:00:00+08:00")

    assert (code, told["faults"]) == (1, ["send_before: this moment has passed"])


@pytest.mark.parametrize("content", ["[]", "nothing", json.dumps([a_job(NEW), a_job("ORDER009")])])
def test_one_job_replaces_one_payout(run: Run, withdrawn: int, content: str) -> None:
    """
    Anything else is refused in one line.
    """
    result = run("replace", NUMBER, "-", "--why", "right card", text=content)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_nothing_is_replaced_without_proof(run: Run, ledger: SqlLedger, healthy: None) -> None:
    """
    JD may still pay it.
    """
    answered(ledger, an_answer(trade_status=TradeStatus.CLOS))

    code, told, _ = replace(run)

    assert code == 1
    assert "nothing proves yet" in told["error"]
    assert ledger.find(MERCHANT, NEW) is None


def test_what_came_back_is_paid_again(run: Run, ledger: SqlLedger, healthy: None) -> None:
    """
    At most that much, once a query has confirmed what was notified, and it closes the case.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.FINI))
    part = an_answer(trade_status=TradeStatus.REFU, refund_fen=4_000)
    record(ledger, ledger.dossier(payout_id).payout, Source.NOTIFICATION, part)
    handler(ledger).apply(payout_id)
    unasked = replace(run, amount_fen=4_000)
    payout, now = ledger.dossier(payout_id).payout, ledger.now()
    record(ledger, payout, Source.QUERY, part, asked_at=now)
    handler(ledger).apply(payout_id)

    too_much = replace(run, amount_fen=4_001)
    whole = replace(run, amount_fen=4_000)

    assert (unasked[0], too_much[0], whole[0]) == (1, 1, 0)
    assert "as no answer to a question says: `payouts query` asks now" in unasked[1]["error"]
    assert too_much[1]["faults"] == ["amount_fen: must be at most 4000 fen, what is left to pay"]
    assert ledger.dossier(payout_id).open_cases == ()
    assert run("audit").exit_code == 0


def test_another_merchant_pays_nothing_instead(
    run: Run, ledger: SqlLedger, withdrawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The settings' merchant must be the old payout's.
    """
    monkeypatch.setenv("PAYOUTS_CUSTOMER_NO", "360080000000000002")

    code, told, _ = replace(run)

    assert code == 1
    assert "another merchant's" in told["error"]
    assert ledger.find(MERCHANT, NEW) is None

"""
Lists: payouts, rejections, cases.
"""

import json

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import MERCHANT, NUMBER, an_answer, answered, queued
from worker.intake import jobs
from worker.payouts.evidence import Source, TradeStatus
from worker.store.ledger import SqlLedger


def test_the_newest_come_first_up_to_the_limit(run: Run, ledger: SqlLedger) -> None:
    """
    `list --limit` cuts off the oldest.
    """
    for number in ("ORDER001", "ORDER002", "ORDER003"):
        queued(ledger, number)

    found = json.loads(run("list", "--limit", "2", "--json").stdout)["payouts"]

    assert [p["out_trade_no"] for p in found] == ["ORDER003", "ORDER002"]


def test_one_status_can_be_asked_for(run: Run, ledger: SqlLedger) -> None:
    """
    `list --status` leaves the others out.
    """
    queued(ledger)
    answered(ledger, an_answer("ORDER002", trade_status=TradeStatus.FINI), "ORDER002")

    found = json.loads(run("list", "--status", "paid", "--json").stdout)["payouts"]

    assert [p["out_trade_no"] for p in found] == ["ORDER002"]


def test_an_unknown_status_is_a_usage_error(run: Run) -> None:
    """
    Exit code 2, and the statuses that there are.
    """
    result = run("list", "--status", "done")

    assert result.exit_code == 2
    assert "'processing'" in result.stderr


def test_an_empty_list_says_so(run: Run, ledger: SqlLedger) -> None:
    """
    People are not left with an empty table.
    """
    assert run("list").stdout == "none\n"


def test_rejections_name_the_fault_and_no_content(run: Run, ledger: SqlLedger) -> None:
    """
    A rejection tells reason, faults and digest.
    """
    job = {"out_trade_no": NUMBER, "payee_account_name": "张三丰"}
    ledger.reject(jobs.rejection(job, "invalid", ("amount_fen: is required",), "unsealed"))

    (found,) = json.loads(run("rejections", "--json").stdout)["rejections"]

    assert (found["reason"], found["faults"]) == ("invalid", ["amount_fen: is required"])
    assert (found["out_trade_no"], len(found["sha256"])) == (NUMBER, 64)
    assert "amount_fen: is required" in run("rejections").stdout


def test_cases_are_listed_and_shown(run: Run, ledger: SqlLedger) -> None:
    """
    An orphan notification is a case with advice, though no payout has its number.
    """
    ledger.record(None, Source.NOTIFICATION, an_answer("NEVERHEARDOF"))

    (listed,) = json.loads(run("cases", "--json").stdout)["cases"]
    shown = json.loads(run("cases", "show", str(listed["id"]), "--json").stdout)["case"]

    assert shown == listed
    assert (shown["kind"], shown["customer_no"], shown["payout_id"]) == ("orphan", MERCHANT, None)
    assert "Was the database restored?" in run("cases", "show", str(listed["id"])).stdout


def test_closed_cases_are_listed_on_demand_only(run: Run, ledger: SqlLedger) -> None:
    """
    `cases` shows what waits, `cases --all` would show the rest.
    """
    assert json.loads(run("cases", "--all", "--json").stdout) == {"cases": []}


def test_options_before_a_subcommand_are_refused(run: Run, ledger: SqlLedger) -> None:
    """
    An option that would have no effect is a usage error.
    """
    assert run("cases", "--json", "show", "1").exit_code == 2


def test_no_such_case(run: Run, ledger: SqlLedger) -> None:
    """
    Exit code 1 and one line.
    """
    result = run("cases", "show", "77")

    assert (result.exit_code, result.stderr) == (1, "Error: there is no case 77\n")

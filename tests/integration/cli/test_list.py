"""
Lists: payouts, rejections, cases.
"""

import json

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import MERCHANT, NUMBER, a_job, an_answer, answered, queued
from worker.intake import jobs
from worker.payouts.evidence import TradeStatus
from worker.store.ledger import SqlLedger


def test_the_newest_come_first_up_to_the_limit(run: Run, ledger: SqlLedger) -> None:
    """
    `list --limit` cuts off the oldest.
    """
    for number in ("ORDER001", "ORDER002", "ORDER003"):
        queued(ledger, number)

    found = json.loads(run("list", "--limit", "2", "--json").stdout)["payouts"]

    assert [p["out_trade_no"] for p in found] == ["ORDER003", "ORDER002"]


def test_a_list_says_how_many_there_are(run: Run, ledger: SqlLedger) -> None:
    """
    Nobody takes the newest two for all three; where all are shown, that is said too.
    """
    for number in ("ORDER001", "ORDER002", "ORDER003"):
        queued(ledger, number)

    assert run("list", "--limit", "2").stdout.endswith(
        "\n2 of 3 payouts, newest first; --limit shows more\n"
    )
    assert run("list").stdout.endswith("\n3 payouts, newest first\n")
    assert json.loads(run("list", "--limit", "2", "--json").stdout)["total"] == 3
    assert json.loads(run("list", "--json").stdout)["total"] == 3


def test_a_list_of_one_status_counts_that_status(run: Run, ledger: SqlLedger) -> None:
    """
    Two of three are queued.
    """
    queued(ledger, "ORDER001")
    answered(ledger, an_answer("ORDER002", trade_status=TradeStatus.FINI), "ORDER002")
    queued(ledger, "ORDER003")

    told = json.loads(run("list", "--status", "queued", "--limit", "1", "--json").stdout)

    assert (len(told["payouts"]), told["total"]) == (1, 2)
    assert "1 of 2 queued payouts" in run("list", "--status", "queued", "--limit", "1").stdout
    assert run("list", "--status", "paid").stdout.endswith("\n1 paid payout, newest first\n")


def test_rejections_and_cases_say_how_many_there_are(run: Run, ledger: SqlLedger) -> None:
    """
    The same for what was not accepted and for what waits for a person.
    """
    for number in ("ORDER001", "ORDER002", "ORDER003"):
        ledger.reject(jobs.rejection(a_job(number), "invalid", (), "unsealed"))
        ledger.notify(MERCHANT, [an_answer(number)])

    for command, named in (("rejections", "rejections"), ("cases", "open cases")):
        told = json.loads(run(command, "--limit", "2", "--json").stdout)
        assert (len(told[command]), told["total"]) == (2, 3)
        assert f"2 of 3 {named}, newest first; --limit" in run(command, "--limit", "2").stdout
        assert run(command).stdout.endswith(f"\n3 {named}, newest first\n")


def test_cases_that_are_closed_are_counted_on_demand_only(run: Run, ledger: SqlLedger) -> None:
    """
    Two were found, one is closed.
    """
    for number in ("ORDER001", "ORDER002"):
        ledger.notify(MERCHANT, [an_answer(number)])
    ledger.close_case(ledger.cases(open_only=True, limit=1)[0], "mei", "found")

    assert json.loads(run("cases", "--json").stdout)["total"] == 1
    assert json.loads(run("cases", "--all", "--json").stdout)["total"] == 2
    assert run("cases", "--all").stdout.endswith("\n2 cases, newest first\n")


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
    ledger.notify(MERCHANT, [an_answer("NEVERHEARDOF")])

    (listed,) = json.loads(run("cases", "--json").stdout)["cases"]
    shown = json.loads(run("cases", "show", str(listed["id"]), "--json").stdout)["case"]

    assert shown == listed
    assert (shown["kind"], shown["customer_no"], shown["payout_id"]) == ("orphan", MERCHANT, None)
    assert "Was the database restored?" in run("cases", "show", str(listed["id"])).stdout


def test_closed_cases_are_listed_on_demand_only(run: Run, ledger: SqlLedger) -> None:
    """
    `cases` shows what waits, `cases --all` would show the rest.
    """
    assert json.loads(run("cases", "--all", "--json").stdout) == {"cases": [], "total": 0}


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

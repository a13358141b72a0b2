"""
One payout's story.
"""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from tests.contract.samples import close_attempt, record
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import (
    MERCHANT,
    NUMBER,
    PRIVATE,
    a_job,
    an_answer,
    answered,
    claimed,
    handler,
    queued,
    undecided,
)
from worker.payouts.evidence import Meaning, Source, TradeStatus
from worker.payouts.model import AttemptOutcome
from worker.store.ledger import SqlLedger


def test_a_paid_payout_is_told_whole(run: Run, ledger: SqlLedger) -> None:
    """
    Status, amount, attempts, evidence and how it was learnt are all in the document.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.FINI))

    result = run("show", NUMBER, "--json")
    shown = json.loads(result.stdout)

    assert result.exit_code == 0
    assert shown["id"] == payout_id
    assert (shown["status"], shown["reason"], shown["learnt_from"]) == ("paid", "paid", "reply")
    assert (shown["amount_fen"], shown["payee_masked"]) == (1_234_567, "6222 **** **** 7312")
    assert shown["accepted_at"].endswith("Z")
    assert [a["outcome"] for a in shown["attempts"]] == ["answered"]
    assert [(e["source"], e["trade_status"], e["verified"]) for e in shown["evidence"]] == [
        ("reply", "FINI", True)
    ]
    assert shown["open_cases"] == []


def test_people_read_yuan_and_what_happens_next(run: Run, ledger: SqlLedger) -> None:
    """
    The page for people names the amount in yuan and in fen, and when JD is asked next.
    """
    answered(ledger, an_answer())

    page = run("show", NUMBER).stdout

    assert "12,345.67 yuan (1234567 fen)" in page
    assert "processing: JD has it and has not finished" in page
    assert "JD is asked at 20" in page


@pytest.mark.parametrize("command", ["show", "history", "list", "cases", "rejections"])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "json"])
def test_payee_data_is_never_shown(
    run: Run, ledger: SqlLedger, command: str, form: tuple[str, ...]
) -> None:
    """
    No command prints an account, a name, free text, a phone or an ID number.
    """
    answered(ledger, an_answer())
    arguments = (command, NUMBER) if command in {"show", "history"} else (command,)

    result = run(*arguments, *form)

    assert result.exit_code == 0
    assert [text for text in PRIVATE if text in result.output] == []


def test_an_id_is_as_good_as_a_number(run: Run, ledger: SqlLedger) -> None:
    """
    A payout can be named by its id.
    """
    payout_id = queued(ledger)

    shown = json.loads(run("show", str(payout_id), "--json").stdout)

    assert shown["out_trade_no"] == NUMBER


def test_a_number_of_digits_beats_an_id(run: Run, ledger: SqlLedger) -> None:
    """
    Where digits could be both, they are the order number.
    """
    queued(ledger)
    second = queued(ledger, "00000001")

    shown = json.loads(run("show", "00000001", "--json").stdout)

    assert shown["id"] == second


def test_an_unknown_number_is_said_so(run: Run, ledger: SqlLedger) -> None:
    """
    Exit code 1, one line on standard error, and an error document for machines.
    """
    result = run("show", "NOSUCHNUMBER", "--json")

    assert result.exit_code == 1
    assert "there is no payout NOSUCHNUMBER" in json.loads(result.stdout)["error"]
    assert result.stderr.startswith("Error: there is no payout NOSUCHNUMBER")
    assert "Traceback" not in result.output


def test_a_payout_on_the_wire_names_its_lease(run: Run, ledger: SqlLedger) -> None:
    """
    Who looks at a payout that is being sent learns when that ends.
    """
    claimed(ledger, queued(ledger))

    shown = json.loads(run("show", NUMBER, "--json").stdout)

    assert "The lease ends at" in shown["next"]
    assert shown["lease_until"] is not None


def test_a_pause_explains_why_nothing_is_sent(run: Run, ledger: SqlLedger) -> None:
    """
    A queued payout of a paused merchant does not promise to be sent.
    """
    queued(ledger)
    ledger.pause(MERCHANT, "drill", "test")

    shown = json.loads(run("show", NUMBER, "--json").stdout)

    assert "Sending is paused (drill): fix the cause, then `payouts resume`." in shown["next"]


def test_an_open_case_is_named_first(run: Run, ledger: SqlLedger) -> None:
    """
    A payout with an open case says which, and that it is not sent again meanwhile.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.FINI))
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, Source.NOTIFICATION, an_answer(trade_status=TradeStatus.CLOS))
    handler(ledger).apply(payout_id)

    shown = json.loads(run("show", NUMBER, "--json").stdout)
    (case,) = shown["open_cases"]

    assert case["kind"] == "contradiction"
    assert shown["next"].startswith(f"A person has to look: `payouts cases show {case['id']}`")


def test_a_code_comes_with_its_remedy(run: Run, ledger: SqlLedger) -> None:
    """
    What JD refused is told with what to do about it.
    """
    answered(ledger, an_answer(meaning=Meaning.CHANNEL, code="ILLEGAL_SIGN", trade_status=None))

    (evidence,) = json.loads(run("show", NUMBER, "--json").stdout)["evidence"]

    assert evidence["code_says"] == "the signature is wrong"
    assert "sign key" in evidence["code_remedy"]
    assert "ILLEGAL_SIGN: the signature is wrong; check the sign key" in run("show", NUMBER).stdout


def test_the_same_remark_is_one_line(run: Run, ledger: SqlLedger) -> None:
    """
    55 answers of NO_RESULT are one row with its count; machines get all of them.
    """
    payout_id = answered(ledger, an_answer())
    payout = ledger.dossier(payout_id).payout
    lost = an_answer(meaning=Meaning.NO_RESULT, code="NO_RESULT", trade_status=None)
    for place in range(55):
        answer = dataclasses.replace(lost, raw=f"{place}".encode())
        record(ledger, payout, Source.QUERY, answer, asked_at=ledger.now())
    handler(ledger).apply(payout_id)

    page = run("show", NUMBER).stdout
    rows = json.loads(run("show", NUMBER, "--json").stdout)["evidence"]

    (line,) = [line for line in page.splitlines() if "NO_RESULT" in line and "query" in line]
    assert line.split()[1:3] == ["query", "55"]
    assert " to 20" in line
    assert page.count("NO_RESULT:") == 1
    assert len(rows) == 56


def test_history_tells_every_move_in_order(run: Run, ledger: SqlLedger) -> None:
    """
    From acceptance on, each move has its reason and its source.
    """
    answered(ledger, an_answer())

    moves = json.loads(run("history", NUMBER, "--json").stdout)["transitions"]

    assert [(m["to_status"], m["reason"], m["learnt_from"]) for m in moves] == [
        ("queued", "accepted", None),
        ("sending", "claimed", None),
        ("processing", "in_progress", "reply"),
    ]


def test_history_tells_returns_cases_and_decisions(run: Run, ledger: SqlLedger) -> None:
    """
    Money that came back, the case about it, and who closed it and why, beside the moves.
    """
    payout_id = answered(ledger, an_answer(trade_status=TradeStatus.FINI))
    part = an_answer(trade_status=TradeStatus.REFU, refund_fen=4_000)
    record(ledger, ledger.dossier(payout_id).payout, Source.NOTIFICATION, part)
    handler(ledger).apply(payout_id)
    (case,) = ledger.dossier(payout_id).open_cases
    run("resolve", str(case.id), "--why", "booked the part")

    told = json.loads(run("history", NUMBER, "--json").stdout)
    page = run("history", NUMBER).stdout

    assert [(e["kind"], e.get("to_status")) for e in told["events"]] == [
        ("moved", "queued"),
        ("moved", "sending"),
        ("moved", "paid"),
        ("returned", None),
        ("case_opened", None),
        ("decided", None),
        ("case_closed", None),
    ]
    assert told["events"][3]["refund_fen"] == 4_000
    assert told["events"][5]["why"] == "booked the part"
    assert [m["to_status"] for m in told["transitions"]] == ["queued", "sending", "paid"]
    assert "40.00 of 12,345.67 yuan came back" in page
    assert "resolve: booked the part" in page


def test_history_tells_what_replaced_what(run: Run, ledger: SqlLedger, healthy: None) -> None:
    """
    By number, on both sides.
    """
    queued(ledger)
    run("cancel", NUMBER, "--why", "wrong card")
    job = json.dumps(a_job("ORDER002", obligation=NUMBER))
    assert run("replace", NUMBER, "-", "--why", "right card", text=job).exit_code == 0

    assert "replaced by ORDER002 (payout 2): right card" in run("history", NUMBER).stdout
    assert f"replaces {NUMBER} (payout 1): right card" in run("history", "ORDER002").stdout


def test_the_page_holds_every_part(run: Run, ledger: SqlLedger) -> None:
    """
    The page for people has a table of attempts and one of evidence.
    """
    payout_id = queued(ledger)
    attempt = claimed(ledger, payout_id)
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    handler(ledger).apply(payout_id)

    page = run("show", NUMBER).stdout

    assert "read_timeout" in page
    assert "do not pay it again" in page
    assert "evidence" not in page


def test_a_proposal_that_waits_is_told_with_what_lets_it_count(run: Run, ledger: SqlLedger) -> None:
    """
    Whoever looks at a payout sees that someone proposed its end, and which command approves it.
    """
    undecided(ledger, NUMBER)
    proof = ("--as", "failed", "--proof", "TICKET-1", "--why", "JD wrote so")
    proposed = json.loads(run("decide", NUMBER, *proof, "--json").stdout)["proposal"]

    page, document = run("show", NUMBER).stdout, json.loads(run("show", NUMBER, "--json").stdout)

    assert f"payouts approve {proposed['id']}" in page
    assert document["proposals"] == [proposed]
    run("approve", str(proposed["id"]))
    assert json.loads(run("show", NUMBER, "--json").stdout)["proposals"] == []


def test_jds_silence_is_told_with_its_beginning(run: Run, ledger: SqlLedger) -> None:
    """
    Whoever waits for two people's decision sees since when nothing was answered.
    """
    attempt = claimed(ledger, payout_id := queued(ledger))
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    handler(ledger).apply(payout_id)
    assert "JD silent" not in run("show", NUMBER).stdout

    ledger.note_unanswered(payout_id, datetime(2026, 3, 2, 12, 5, tzinfo=UTC))

    assert "since 2026-03-02 12:05:00Z" in run("show", NUMBER).stdout

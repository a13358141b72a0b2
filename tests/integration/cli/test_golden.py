"""
The JSON documents keep their shape: what each command tells, held against the golden documents.

Each story drives the commands through the states in which their documents differ.
"""

import dataclasses
import io
import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rich.console import Console

from tests.contract.samples import close_attempt, record
from tests.golden import book
from tests.integration.cli.conftest import Place, Run
from tests.integration.cli.samples import (
    ACCOUNT,
    MERCHANT,
    NUMBER,
    TERMS,
    a_job,
    an_answer,
    answered,
    claimed,
    handler,
    queued,
    undecided,
)
from worker import bootstrap, os_user
from worker.cli import demo
from worker.demo.audit import Audit
from worker.demo.play import Outcome
from worker.demo.story import Result
from worker.intake import jobs
from worker.payouts.endpoint import Try
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome
from worker.payouts.person import Person
from worker.store.engine import create_engine
from worker.store.key_tables import sealing_keys
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.tables import installation, payouts

LONG_AGO = "2020-01-01T12:00:00+08:00"


class Told:
    """
    Runs commands and keeps what they told, by the name of each golden document.
    """

    def __init__(self, run: Run, *, recording: bool) -> None:
        self._run = run
        self._recording = recording
        self.documents: defaultdict[str, list[Any]] = defaultdict(list)

    def __call__(self, name: str, *arguments: str, text: str | None = None) -> Any:
        """
        Run a command with `--json`; return its document.
        """
        document = json.loads(self._run(*arguments, "--json", text=text).stdout)
        self.documents[name].append(document)
        return document

    def why(self, name: str, *arguments: str) -> Any:
        """
        The same for a decision, which takes a reason.
        """
        return self(name, *arguments, "--why", "as agreed")

    def differences(self) -> tuple[str, ...]:
        """
        What does not fit the golden documents, or what was refused to be recorded.
        """
        return book.record(self.documents) if self._recording else book.compared(self.documents)


@pytest.fixture
def told(run: Run, request: pytest.FixtureRequest) -> Told:
    """
    What a story makes the commands tell; `python -m tests.golden --record` records it.
    """
    plugins = request.config.pluginmanager.get_plugins()
    return Told(run, recording=any(isinstance(plugin, book.Recording) for plugin in plugins))


def stale(ledger: SqlLedger, number: str) -> int:
    """
    A payout that is held because its last moment has passed; the id of its case.
    """
    payout_id = queued(ledger, number, send_before=LONG_AGO)
    handler(ledger).apply(payout_id)
    (case,) = ledger.dossier(payout_id).open_cases
    return case.id


def returned(ledger: SqlLedger, number: str) -> int:
    """
    A payout of which a part came back; the id of its case.
    """
    payout_id = answered(ledger, an_answer(number, trade_status=TradeStatus.FINI), number)
    payout = ledger.dossier(payout_id).payout
    part = an_answer(number, trade_status=TradeStatus.REFU, refund_fen=4_000, reason_code="R001")
    record(ledger, payout, Source.NOTIFICATION, part)
    handler(ledger).apply(payout_id)
    (case,) = ledger.dossier(payout_id).open_cases
    return case.id


def refused(ledger: SqlLedger, number: str) -> None:
    """
    A payout that JD refused for a fault of ours.
    """
    answer = Answer(verified=True, meaning=Meaning.REQUEST, code="ILLEGAL_ARGUMENT")
    answered(ledger, answer, number)


def test_what_is_looked_up(told: Told, run: Run, healthy: None, ledger: SqlLedger) -> None:
    """
    Payouts in every state in which another key has a value, and what is told about all of them.
    """
    queued(ledger, NUMBER, obligation="SALARY-7", send_before="2099-01-01T12:00:00+08:00")
    claimed(ledger, queued(ledger, "ORDER002"))
    case_id = returned(ledger, "ORDER003")
    refused(ledger, "ORDER004")
    ledger.notify(MERCHANT, [an_answer("ORDER404")])
    told("cases", "cases")
    told("cases_show", "cases", "show", str(case_id))
    told("show", "show", "ORDER003")
    run("resolve", str(case_id), "--why", "booked the part")
    told("cases", "cases", "--all")
    told("cases_show", "cases", "show", str(case_id))
    (orphan,) = (case.id for case in ledger.cases(open_only=True, limit=9) if not case.payout_id)
    told("cases_show", "cases", "show", str(orphan))
    more = an_answer("ORDER003", trade_status=TradeStatus.REFU, raw=b"without an amount")
    payout = ledger.find(MERCHANT, "ORDER003")
    assert payout is not None
    record(ledger, payout, Source.NOTIFICATION, more)
    handler(ledger).apply(payout.id)
    run("cancel", NUMBER, "--why", "wrong card")
    job = json.dumps(a_job("ORDER005"))
    told("replace", "replace", NUMBER, "-", "--why", "right card", text=job)
    told("replace_refused", "replace", NUMBER, "-", "--why", "no", text="{}")
    ledger.reject(jobs.rejection(a_job("ORDER006"), "invalid", ("a: is wrong",), "unsealed"))
    ledger.reject(jobs.described(b"junk", "unknown_task", ("job: KeyError",)))
    told("rejections", "rejections")
    undecided(ledger, "ORDER007")
    run("decide", "ORDER007", "--as", "failed", "--proof", "SLIP-3", "--why", "JD wrote so")
    for number in (NUMBER, "ORDER002", "ORDER003", "ORDER004", "ORDER005", "ORDER007"):
        told("show", "show", number)
        told("history", "history", number)
    told("list", "list")
    told("error", "show", "NOSUCHNUMBER")
    entries: defaultdict[str, list[Any]] = defaultdict(list)
    for history in told.documents["history"]:
        for entry in history["events"]:
            entries[entry["kind"]].append(entry)
    told.documents["history_events"].append(dict(entries))

    assert told.differences() == ()


def test_what_an_audit_finds(
    told: Told, healthy: None, ledger: SqlLedger, store_settings: str
) -> None:
    """
    All is well, and then a history that does not lead to the status.
    """
    queued(ledger)
    told("audit", "audit")
    told("audit", "audit", "--evidence")
    engine = create_engine(store_settings)
    with engine.begin() as conn:
        conn.execute(sa.update(payouts).values(status="cancelled", next_send_at=None))
    engine.dispose()
    told("audit", "audit")

    assert told.differences() == ()


def test_what_is_decided(told: Told, healthy: None, ledger: SqlLedger) -> None:
    """
    Every action on a payout, and each way to close a case.
    """
    queued(ledger, "ORDER001")
    told.why("cancel", "cancel", "ORDER001")
    told.why("release", "release", "ORDER001")
    stale(ledger, "ORDER002")
    told.why("let_go", "let-go", "ORDER002")
    case_id = stale(ledger, "ORDER003")
    told.why("resolve", "resolve", str(case_id), "--action", "cancel")
    told.why("resolve", "resolve", str(returned(ledger, "ORDER006")))
    refused(ledger, "ORDER004")
    told.why("resend", "resend", "ORDER004")
    refused(ledger, "ORDER005")
    told.why("fail", "fail", "ORDER005")
    told.why("people_add", "people", "add", "1001", "--name", "lan")
    told("people_list", "people", "list")
    told.why("people_remove", "people", "remove", "1001")
    undecided(ledger, "ORDER007")
    proof = ("--as", "returned", "--amount-fen", "4000", "--proof")
    for reference in ("SLIP-1", "SLIP-2", "SLIP-3"):
        proposed = told.why("decide", "decide", "ORDER007", *proof, reference)
        if reference == "SLIP-2":
            told.why("decline", "decline", str(proposed["proposal"]["id"]))
    told("proposals", "proposals", "--all")
    told("approve", "approve", str(proposed["proposal"]["id"]))
    told("proposals", "proposals", "--all")

    assert told.differences() == ()


def test_who_has_payouts_made(told: Told, ledger: SqlLedger) -> None:
    """
    An application, its tokens, and the end of both.
    """
    told("producers_add", "producers", "add", "shop")
    issue = ("tokens", "issue", "shop", "--scope")
    told("tokens_issue", *issue, "read")
    made = told("tokens_issue", *issue, "accept", "--expires-in", "30d")
    told.why("tokens_revoke", "tokens", "revoke", str(made["id"]))
    told("tokens_list", "tokens", "list")
    told("producers_limit", "producers", "limit", "shop")
    told.why("producers_limit_set", "producers", "limit", "shop", "--day-fen", "5000000")
    told.why("producers_limit_set", "producers", "limit", "shop", "--lift", "day-fen")
    told.why("producers_limit_set", "producers", "limit", "shop", "--largest-fen", "100000")
    denied = told("deny_add", "deny", "add", "-", "--why", "a court says so", text=ACCOUNT)
    told("deny_list", "deny", "list")
    told.why("deny_remove", "deny", "remove", str(denied["change"]["id"]))
    told("controls_list", "controls", "list", "--all")
    told.why("producers_disable", "producers", "disable", "shop")
    told("producers_list", "producers", "list")

    assert told.differences() == ()


def test_what_takes_two_people(
    told: Told,
    merchant_settings: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """
    Where money moves: keys for jobs, and limits that are raised.
    """
    monkeypatch.setenv("PAYOUTS_PROFILE", "live")
    monkeypatch.setattr(os_user, "current", lambda: Person(1001, "mei"))
    for uid in ("1001", "1002"):
        told.why("people_add", "people", "add", uid, "--name", "one of two")
    told("producers_add", "producers", "add", "shop")
    for name in ("first.key", "second.key"):
        where = ("--to", str(tmp_path / name))
        told("producers_keys_add", "producers", "keys", "add", "shop", *where)
    limit = ("producers", "limit", "shop", "--day-fen")
    told.why("producers_limit_lowered", *limit, "1000")
    lowered = [
        told.why("producers_limit_lowered", *limit, less)["change"]["id"] for less in ("3", "2")
    ]
    wanted = told.why("producers_limit_wanted", *limit, "5000")["change"]["id"]
    assert lowered[0] < lowered[1] < wanted
    monkeypatch.setattr(os_user, "current", lambda: Person(1002, "wu"))
    told("producers_keys_approve", "producers", "keys", "approve", "shop.1")
    told.why("producers_keys_retire", "producers", "keys", "retire", "shop.1")
    told("producers_keys_list", "producers", "keys", "list")
    told("controls_list_waiting", "controls", "list")
    told("controls_approve", "controls", "approve", str(wanted))
    again = told.why("producers_limit_wanted", *limit, "9000")["change"]["id"]
    told.why("controls_decline", "controls", "decline", str(again))
    told.why("controls_confirm", "controls", "confirm")

    assert told.differences() == ()


def test_what_producers_hear(told: Told, ledger: SqlLedger) -> None:
    """
    Endpoints of each kind, an event on its way, and the end of both.
    """
    told(
        "endpoints_add",
        "endpoints",
        "add",
        "https://shop.example/hook",
        "--type",
        "payout.accepted",
    )
    told("endpoints_add", "endpoints", "add", "shop.events", "--queue")
    told("endpoints_rotate", "endpoints", "rotate", "1")
    queued(ledger)
    ledger.announce(10)
    (delivery,) = ledger.claim_deliveries(1, 10, timedelta(minutes=1))
    ledger.note_tries([(delivery, Try(delivery.id, False, "500", timedelta(milliseconds=9)))])
    told("endpoints_list", "endpoints", "list")
    listed = told("events_list", "events", "list")
    event_id = listed["events"][0]["id"]
    told("events_show", "events", "show", event_id)
    told("events_resend", "events", "resend", event_id)
    told("endpoints_retry", "endpoints", "retry", "1")
    told("endpoints_disable", "endpoints", "disable", "1")

    assert told.differences() == ()


def _reopened() -> SqlLedger:
    """
    The ledger that the commands will see, as a new process opens it.
    """
    if bootstrap.ledger.cache_info().currsize:
        bootstrap.ledger().close()
        bootstrap.ledger.cache_clear()
    return bootstrap.ledger()


def test_which_keys_seal(told: Told, store_settings: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One takes the place of another, which sealed as older versions did; an hour later that is done.
    """
    old = os.environ["PAYOUTS_KEYRING"]
    keyring = Keyring([old])
    (old_id,) = keyring.ids
    engine = create_engine(store_settings)
    before_0015 = keyring.seal_unbound(old_id, b"payouts")
    _reopened()
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(sealed_sample=before_0015))
    queued(_reopened())
    monkeypatch.setenv("PAYOUTS_KEYRING", f"{Keyring.generate_key()},{old}")
    _reopened()
    told("keys_list", "keys", "list")
    told("keys_rotate", "keys", "rotate")
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with engine.begin() as conn:
        conn.execute(sa.update(sealing_keys).values(begun_at=an_hour_ago))
    engine.dispose()
    told("keys_retire", "keys", "retire", old_id)
    told("keys_list", "keys", "list")

    assert told.differences() == ()


def test_what_stops_and_starts(
    told: Told, healthy: None, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A pause, a rest, a doubt, and what wakes someone.
    """
    told("alerts", "alerts")
    ledger.end_sweep(MERCHANT)
    told("alerts", "alerts")
    told("acknowledge", "acknowledge")
    told("channel", "channel")
    queued(ledger)
    told.why("pause", "pause")
    ledger.open_breaker(MERCHANT, Limits().breaker_rest)
    told.why("restored", "restored")
    told.why("set_aside", "set-aside", NUMBER)
    monkeypatch.setenv("PAYOUTS_GATEWAY_URL", "https://127.0.0.1:9444")
    told.why("redirect", "redirect", NUMBER)
    told("channel", "channel")
    told("alerts", "alerts")
    told.why("resume", "resume")
    told("channel", "channel")

    assert told.differences() == ()


def test_what_leads_outside(told: Told, healthy: None, ledger: SqlLedger, sandbox: Place) -> None:
    """
    The broker, JD, the tables, the keys.
    """
    terms = dataclasses.replace(TERMS, gateway_url=sandbox.url)
    attempt = claimed(ledger, payout_id := queued(ledger, terms=terms))
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    handler(ledger).apply(payout_id)
    told("query", "query", NUMBER)
    # With one finding, so that there is a remedy among what is all right.
    ledger.pause(MERCHANT, "drill", "mei")
    told("doctor", "doctor")
    told("migrate", "migrate")
    told("keygen", "keygen")
    told("schema", "schema")
    told("enqueue", "enqueue", "-", text=json.dumps(a_job("ORDER001")))
    accepted = a_job(NUMBER)
    told("enqueue", "enqueue", "-", "--wait", "5", text=json.dumps(accepted))
    told("enqueue_refused", "enqueue", "-", text=json.dumps([a_job(amount_fen=0), 7]))

    assert told.differences() == ()


def test_what_is_signed_offline(told: Told, sandbox: Place) -> None:
    """
    `payouts wire`: no settings, one object of fields on standard input.
    """
    fields = {"out_trade_no": NUMBER, "customer_no": MERCHANT}
    password = sandbox.directory / "merchant.password"
    signed = told("wire_sign", "wire", "sign", "--key", "test", text=json.dumps(fields))
    reply = {**fields, "sign_type": "SHA-256", "sign_data": signed["sign_data"]}
    told("wire_verify", "wire", "verify", "--key", "test", text=json.dumps(reply))
    sealed = told(
        *("wire_seal", "wire", "seal", "--pfx", str(sandbox.directory / "merchant.pfx")),
        *("--password-file", str(password), "--jd-cert", str(sandbox.directory / "jd_cert.der")),
        text=json.dumps(fields),
    )
    opened = json.dumps(sealed)
    told("wire_open", "wire", "open", "--sandbox-dir", str(sandbox.directory), text=opened)

    assert told.differences() == ()


def test_what_the_sandbox_says_when_it_is_ready(told: Told, tmp_path: Path) -> None:
    """
    One document on one line, for the program that started it.
    """
    command = [sys.executable, "-m", "worker", "sandbox", "--json", "--port", "0"]
    with subprocess.Popen(
        [*command, "--dir", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told.documents["sandbox"].append(json.loads(process.stdout.readline()))
        process.terminate()

    assert told.differences() == ()


def test_what_a_trigger_tells(told: Told, healthy: None, ledger: SqlLedger) -> None:
    """
    Of an event that has happened, and of one that does not come while no worker runs.
    """
    queued(ledger, NUMBER)

    told("trigger", "trigger", "accepted", "--number", NUMBER)
    told("trigger", "trigger", "paid", "--number", "ORDER002", "--wait", "0.1")

    assert told.differences() == ()


def test_what_the_demo_finds(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Of an end as it should be and one that did not come.
    """
    results = (
        Result("DEMO0001", "paid_later", "paid", "paid", None, None, "query"),
        Result(
            "DEMO0002", "partial_return", "paid", "unknown", "partial_return", "no_result", None
        ),
    )
    outcome = Outcome(
        results, Audit(debits=1, duplicates=0, missing=1, ok=False), lacks_pause=False
    )

    demo._report(outcome, Console(file=io.StringIO()), as_json=True)

    told.documents["demo"].append(json.loads(capsys.readouterr().out))

    assert told.differences() == ()

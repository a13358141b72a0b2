"""
The script with Celery alone: it needs nothing of the product's, and keeps the rules.
"""

import importlib.util
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.examples.rules import AMOUNT_FEN, EACH_RULE, Event, Rule, Seen, an_event
from tests.test_layers import ROOT, imports
from tests.unit.producer.opening import SHARED, write_key
from tests.waiting import until

SCRIPT = ROOT / "worker/examples/celery_alone.py"
PAY = ("pay", "WITHDRAWAL0001", str(AMOUNT_FEN))


class Script:
    """
    A copy of it in a folder of its own, with one payout that nobody has taken yet.
    """

    number = PAY[1]

    def __init__(self, module: ModuleType, run: Callable[..., list[str]]) -> None:
        self.module = module
        self._run = run

    def hear(self, event: Event) -> None:
        """
        Work off an event's task.
        """
        self.module.hear(json.loads(json.dumps(event)))

    def seen(self) -> Seen:
        """
        What it prints of the payout.
        """
        (line,) = self._run("show")
        found = line.removeprefix(f"{self.number} ")
        status, _, may_be_paid_again = found.rpartition(" ")
        return Seen(status, AMOUNT_FEN * int(may_be_paid_again))


@pytest.fixture
def script(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free_port: int,
    capsys: pytest.CaptureFixture[str],
) -> Script:
    """
    The script beside a broker that is down.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", f"redis://127.0.0.1:{free_port}/0")
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "payouts.sqlite"))
    spec = importlib.util.spec_from_file_location("celery_alone", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(command: str) -> list[str]:
        getattr(module, command)()
        return capsys.readouterr().out.splitlines()

    with module.transaction() as db:
        db.execute("INSERT INTO payouts (number, job) VALUES (?, '{}')", [PAY[1]])
    return Script(module, run)


def test_it_needs_nothing_of_ours() -> None:
    """
    Celery, the file that it is copied with, and the standard library are all that it imports.
    """
    found = {name.rpartition(".")[0] or name for name in imports(SCRIPT.read_text())}
    foreign = {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names}

    assert foreign == {"celery", "celery.worker.state", "worker.producer"}


@EACH_RULE
def test_it_keeps_the_rules(script: Script, rule: Rule) -> None:
    """
    Those that every application keeps.
    """
    rule(script)


def test_a_fault_leaves_nothing(script: Script, tmp_path: Path) -> None:
    """
    The id is stored with the work or not at all: told again, the event still counts.
    """
    freed = an_event(script.number, "obligation.freed", 4)
    with script.module.transaction() as db:
        db.execute(
            "CREATE TRIGGER away BEFORE UPDATE ON payouts BEGIN SELECT RAISE(ABORT, 'away'); END"
        )
    with pytest.raises(script.module.sqlite3.IntegrityError):
        script.hear(freed)
    with script.module.transaction() as db:
        db.execute("DROP TRIGGER away")

    assert script.seen() == Seen("asked for")
    script.hear(freed)
    assert script.seen() == Seen("failed", AMOUNT_FEN)


def test_what_no_broker_took_is_written_down(tmp_path: Path, free_port: int) -> None:
    """
    The command fails, and the payout stands in its list for `again`.
    """
    environment = {
        "PAYOUTS_BROKER_URL": f"redis://127.0.0.1:{free_port}/0",
        "PRODUCER_KEY": write_key(tmp_path / "shop.key", SHARED),
        "SHOP_DATABASE": str(tmp_path / "payouts.sqlite"),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, SCRIPT, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    failed = run(*PAY)

    assert failed.returncode == 1
    assert "Connection refused" in failed.stderr
    assert run("show").stdout == "WITHDRAWAL0001 asked for 0\n"


class Api:
    """
    An HTTP API that lists events as docs/api.md says, behind whatever its operators do to it.
    """

    def __init__(self) -> None:
        #: What has happened, by position; the first has 1.
        self.events: Sequence[Event] = ()
        #: What is answered instead, in that order: a status, or a body that is no page.
        self.faults: list[int | bytes] = []
        #: Where each page began.
        self.asked: list[int] = []
        self.tokens: set[str | None] = set()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.tokens.add(self.headers["Authorization"])
                (after,) = parse_qs(urlsplit(self.path).query)["after"]
                fault = api.faults.pop(0) if api.faults else api.page(int(after))
                body = fault if isinstance(fault, bytes) else b"not to be had"
                self.send_response(200 if isinstance(fault, bytes) else fault)
                self.send_header("Location", "/elsewhere?after=0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def page(self, after: int) -> bytes:
        """
        At most two events, and where the next page begins.
        """
        self.asked.append(after)
        found = self.events[after : after + 2]
        page = {"events": found, "next_after": after + len(found)}
        return json.dumps(page).encode()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """
    One that the script knows.
    """
    api = Api()
    monkeypatch.setenv("PAYOUTS_READ_URL", api.url)
    monkeypatch.setenv("READ", "secret")
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,))
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


def of(number: str, *kinds: str) -> list[Event]:
    """
    Events of one payout, in order.
    """
    return [an_event(number, kind, version) for version, kind in enumerate(kinds, 1)]


def test_it_catches_up_page_by_page(script: Script, api: Api) -> None:
    """
    All that it lacks is heard in order; what it has heard already changes nothing.
    """
    api.events = of(
        script.number, "payout.accepted", "payout.sent", "payout.failed", "obligation.freed"
    )
    script.hear(api.events[1])
    script.module.catch_up()

    assert script.seen() == Seen("failed", AMOUNT_FEN)
    assert api.asked == [0, 2, 4]
    assert api.tokens == {"Bearer secret"}


def test_it_goes_on_where_it_was(script: Script, api: Api) -> None:
    """
    From the last one on, and that one too, by which it knows that the list is still the same.
    """
    api.events = of(script.number, "payout.accepted", "payout.sent", "payout.processing")
    script.module.catch_up()
    api.asked.clear()
    api.events = [*api.events, an_event(script.number, "payout.paid", 4)]
    script.module.catch_up()

    assert script.seen() == Seen("paid")
    assert api.asked == [2, 4]


@pytest.mark.parametrize("kept", [0, 1, 2, 3], ids="{} kept".format)
def test_it_begins_anew_once_a_database_was_put_back(script: Script, api: Api, kept: int) -> None:
    """
    Then positions are given a second time, to what happens in the new epoch.
    """
    told = of(script.number, "payout.accepted", "payout.sent", "payout.processing")
    api.events = told
    script.module.catch_up()
    paid = an_event(script.number, "payout.paid", 2, epoch=2)
    api.events = [*told[:kept], paid, an_event("ANOTHERS0001", "payout.paid", 3, epoch=2)]
    script.module.catch_up()

    assert script.seen() == Seen("paid")


def test_several_catch_up_at_once(script: Script, api: Api) -> None:
    """
    As workers that start together do: each event counts once, and all are heard.

    The slowest may have written down last how far it was: then some are asked for once more.
    """
    kinds = ("payout.accepted", "payout.sent", "payout.failed", "obligation.freed")
    api.events = [event for _ in range(5) for event in of(script.number, *kinds)]
    running = [subprocess.Popen([sys.executable, SCRIPT, "catch-up"]) for _ in range(4)]
    assert [one.wait() for one in running] == [0] * 4
    with script.module.transaction() as db:
        heard = [uid for (uid,) in db.execute("SELECT id FROM heard_events ORDER BY rowid")]
    assert heard == [event["id"] for event in api.events]
    assert script.seen() == Seen("failed", AMOUNT_FEN)

    script.module.catch_up()
    assert api.asked[-1] == 20


def test_nothing_is_known_where_nothing_has_happened(script: Script, api: Api) -> None:
    """
    The first time, and again.
    """
    script.module.catch_up()
    script.module.catch_up()
    assert api.asked == [0, 0]

    api.events = of(script.number, "payout.accepted")
    script.module.catch_up()
    assert script.seen() == Seen("queued")


def test_an_api_that_is_away_is_waited_for(
    script: Script, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It says so each time, and has then missed nothing.
    """
    api.events = of(script.number, "payout.accepted", "payout.paid")
    api.faults = [503, b"<html>", 500]
    script.module.catch_up()

    assert script.seen() == Seen("paid")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert all("is asked again" in record.message for record in caplog.records)


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_an_api_that_refuses_is_told_of(script: Script, api: Api, status: int) -> None:
    """
    Whoever asks in vain must not seem to know all.
    """
    api.events = of(script.number, "payout.paid")
    api.faults = [status]
    with pytest.raises(SystemExit, match=f"{api.url} refuses to tell what happened: .*{status}"):
        script.module.catch_up()

    assert script.seen() == Seen("asked for")


def test_a_token_goes_to_nobody_else(script: Script, api: Api) -> None:
    """
    Wherever an answer points.
    """
    api.faults = [302, 401]
    with pytest.raises(SystemExit):
        script.module.catch_up()

    assert api.tokens == {"Bearer secret", None}


@pytest.fixture
def worker(
    script: Script, api: Api, monkeypatch: pytest.MonkeyPatch, empty_broker_url: str
) -> Iterator[subprocess.Popen[str]]:
    """
    A worker of it, which the HTTP API refuses at first.
    """
    api.faults = [503] * 100
    monkeypatch.setenv("PAYOUTS_BROKER_URL", empty_broker_url)
    command = [sys.executable, "-m", "celery", "--app", "celery_alone", "worker", "--pool", "solo"]
    with subprocess.Popen(
        [*command, "--queues", "shop.events", "--without-mingle", "--without-gossip"],
        cwd=SCRIPT.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        until(lambda: len(api.faults) < 100, 30)
        yield process
        process.kill()


def test_a_worker_that_is_refused_ends_with_a_word(worker: subprocess.Popen[str], api: Api) -> None:
    """
    So that whoever starts it sees why it hears nothing.
    """
    api.faults[:] = [401] * 100
    said, _ = worker.communicate(timeout=30)

    assert worker.returncode == 1
    assert f"{api.url} refuses to tell what happened" in said


def test_a_worker_that_waits_can_be_ended(worker: subprocess.Popen[str]) -> None:
    """
    By SIGTERM, as ever.
    """
    worker.send_signal(signal.SIGTERM)
    said, _ = worker.communicate(timeout=30)

    assert worker.returncode == 0
    assert "is asked again" in said

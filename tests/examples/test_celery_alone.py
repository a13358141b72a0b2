"""
The script with Celery alone: it needs nothing of the product's, and keeps the rules.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.examples.rules import AMOUNT_FEN, EACH_RULE, Event, Rule, Seen, an_event
from tests.test_layers import ROOT, imports

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
    Celery and the standard library are all that it imports.
    """
    foreign = {name.partition(".")[0] for name in imports(SCRIPT.read_text())}

    assert foreign - set(sys.stdlib_module_names) == {"celery"}


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

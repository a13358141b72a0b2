"""
"Try it yourself" of the README, followed to the letter.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from tests.acceptance.conftest import PATIENCE
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Section:
    """
    The section's blocks in order: the demo, the settings to source, the job, what to do with it.
    """

    demo: str
    source: str
    job: str
    commands: str


def section(readme: str, heading: str) -> Section:
    """
    Read the section out of a README.
    """
    text = (ROOT / readme).read_text(encoding="utf-8")
    found = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", found, re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["console", "console", "json", "console"]
    return Section(*(content for _, content in blocks))


def typed(block: str) -> list[str]:
    """
    What the reader types.
    """
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def shown(block: str) -> list[str]:
    """
    What the reader is told to see.
    """
    return [line for line in block.splitlines() if not line.startswith("$ ")]


@contextlib.contextmanager
def demo_running(command: str, folder: Path) -> Iterator[Path]:
    """
    The demo in a terminal of its own, from which Ctrl-C ends it; where its words go.
    """
    words = folder / "first terminal"
    with (
        words.open("wb") as output,
        subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as running,
    ):
        try:
            yield words
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(PATIENCE)


def command_lines() -> str:
    """
    The command line of every process of this machine.
    """
    told = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            told.append(path.read_bytes().decode(errors="replace"))
    return "\n".join(told)


def in_shell(line: str, folder: Path) -> str:
    """
    What a command says in the second terminal. Fails the test if the command fails.
    """
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PAYOUTS_", "FLOWER_"))}
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=plain,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


@dataclass(frozen=True)
class Trial:
    """
    A demo that stays, what it said, and the README whose reader started it.
    """

    told: Section
    folder: Path
    said: str

    @property
    def source(self) -> str:
        """
        The README's second command, with the path that this demo has printed.
        """
        (settings,) = re.findall(r"^  settings +(\S+/demo\.env)$", self.said, re.MULTILINE)
        (source,) = typed(self.told.source)
        assert source.endswith("/demo.env")
        return f"{source.partition(' ')[0]} {settings}"

    def run(self, *lines: str) -> str:
        """
        What commands say in the second terminal, after the settings were sourced there.
        """
        return in_shell(" && ".join([self.source, *lines]), self.folder)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """
    The section's first command as it is written, until the demo has said its last words.
    """
    told = section("README.md", "Try it yourself")
    folder = tmp_path_factory.mktemp("try")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "job.json").write_text(told.job, encoding="utf-8")
    (start,) = typed(told.demo)
    with demo_running(start, folder) as words:
        until(lambda: "payouts sandbox --scenarios" in words.read_text(), PATIENCE)
        yield Trial(told, folder, words.read_text())


def test_both_languages_tell_the_same_steps() -> None:
    """
    What is followed below in English is what the Chinese front page says; but for the subject.
    """
    english = section("README.md", "Try it yourself")
    chinese = section("README.zh-CN.md", "自己试一笔")
    jobs = [json.loads(told.job) | {"subject": ""} for told in (english, chinese)]

    assert replace(chinese, job="") == replace(english, job="")
    assert jobs[0] == jobs[1]


def test_the_reader_sees_a_payout_paid(trial: Trial) -> None:
    """
    Each command as it is written, in its order, with the output that is shown; then it is paid.
    """
    commands = typed(trial.told.commands)
    enqueue, show, history = commands
    out = trial.run(*commands)

    assert "enqueue job.json" in enqueue
    assert [line for line in shown(trial.told.commands) if line not in out.splitlines()] == []
    until(lambda: re.search(r"\bpaid\b", trial.run(show)), 20)
    assert re.search(r"\bpaid\b", trial.run(history))


def test_what_the_demo_says_to_try_works(trial: Trial) -> None:
    """
    Its own last words can be copied into a shell as they are.
    """
    block = trial.said.partition("in a second terminal:\n")[2].partition("\n\n")[0]
    tried = in_shell(" && ".join(line.strip() for line in block.splitlines()), trial.folder)

    assert "TRYIT0001 accepted as payout" in tried
    until(lambda: re.search(r"\bpaid\b", trial.run(".venv/bin/payouts show TRYIT0001")), 20)


def test_the_channel_is_open_and_said_to_be(trial: Trial) -> None:
    """
    The pause that the last scenario causes came before it was ended.
    """
    told = json.loads(trial.run(".venv/bin/payouts channel --json"))

    assert told["paused_at"] is None
    assert told["resumed_by"] == "demo"
    assert "sending   open" in trial.said


def test_flower_lets_in_whoever_has_the_password(trial: Trial) -> None:
    """
    The password is on the screen and in the file, and in no process's command line.
    """
    (found,) = re.findall(r"Flower +(\S+)  \(user (\w+), password (\S+)\)", trial.said)
    url, user, password = found
    with requests.Session() as web:
        web.trust_env = False

        def answers(auth: tuple[str, str] | None) -> int:
            with contextlib.suppress(requests.ConnectionError):
                return web.get(f"{url}/workers", auth=auth, timeout=5).status_code
            return 0

        until(lambda: answers((user, password)) == 200, PATIENCE)
        refused = answers(None), answers((user, "wrong"))

    assert refused == (401, 401)
    assert len(password) >= 16
    assert trial.run("echo $FLOWER_BASIC_AUTH").strip() == f"{user}:{password}"
    assert "celery" in command_lines()
    assert password not in command_lines()

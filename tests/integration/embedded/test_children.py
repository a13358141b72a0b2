"""
Child processes end when they are told to, and with their parent.
"""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.processes import ends
from worker.embedded.children import Child
from worker.embedded.errors import EmbeddedError

ENDLESS = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {ENDLESS}"
WITH_CHILD = """
import subprocess, sys
print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)
import time; time.sleep(60)
"""


def python(script: str) -> list[str]:
    """
    A command line that runs a script.
    """
    return [sys.executable, "-c", script]


def first_line(child: Child) -> str:
    """
    Wait for the first line of a child's log: its script is under way then.
    """
    while "\n" not in child.log.read_text():
        time.sleep(0.01)
    return child.log.read_text().splitlines()[0]


def test_stop_sends_the_stop_signal(tmp_path: Path) -> None:
    """
    A stopped child has ended by its stop signal.
    """
    child = Child(python(ENDLESS), log=tmp_path / "log")
    first_line(child)

    assert child.stop() == -signal.SIGTERM
    assert not child.is_alive()


def test_stop_kills_a_child_that_does_not_listen(tmp_path: Path) -> None:
    """
    When the grace is over, a child is killed.
    """
    child = Child(python(STUBBORN), log=tmp_path / "log")
    first_line(child)

    assert child.stop(grace=0.1) == -signal.SIGKILL


def test_kill_ends_the_whole_group(tmp_path: Path) -> None:
    """
    What a child has started itself ends with it.
    """
    with Child(python(WITH_CHILD), log=tmp_path / "log") as child:
        grandchild = int(first_line(child))

        child.kill()

    assert ends(grandchild)


def test_what_a_dead_leader_left_is_ended_too(tmp_path: Path) -> None:
    """
    A child that has ended by itself leaves nothing behind once it is stopped.
    """
    script = WITH_CHILD.replace("import time; time.sleep(60)\n", "sys.exit(3)\n")
    with Child(python(script), log=tmp_path / "log") as child:
        assert child.wait(10)
        grandchild = int(first_line(child))

    assert child.exit_code == 3
    assert ends(grandchild)


def test_ending_twice_changes_nothing(tmp_path: Path) -> None:
    """
    Stopping and killing may be repeated.
    """
    child = Child(python("raise SystemExit(4)"), log=tmp_path / "log")
    assert child.wait(10)

    assert 4 == child.stop() == child.kill() == child.stop()


def test_output_is_logged(tmp_path: Path) -> None:
    """
    Standard output and standard error land in the log, in a folder made for it.
    """
    script = "import sys; print('one', flush=True); print('two', file=sys.stderr)"
    with Child(python(script), log=tmp_path / "new" / "log") as child:
        assert child.wait(10)

        assert child.tail(1) == "two"
        assert child.tail() == "one\ntwo"


def test_a_short_lived_thread_may_not_start_one(tmp_path: Path) -> None:
    """
    A child of another thread would die with that thread, so it is refused.
    """
    refusals: list[EmbeddedError] = []

    def start() -> None:
        try:
            Child(python(ENDLESS), log=tmp_path / "log")
        except EmbeddedError as refusal:
            refusals.append(refusal)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert "main thread" in str(refusals[0])


def test_a_child_dies_with_its_killed_parent(tmp_path: Path) -> None:
    """
    After kill -9 of the parent, the child ends as well.
    """
    parent = subprocess.Popen(
        [
            *python(
                "import pathlib, sys, time; from worker.embedded.children import Child\n"
                "child = Child([sys.executable, '-c', 'import time; time.sleep(60)'],"
                " log=pathlib.Path(sys.argv[1]))\n"
                "print(child.pid, flush=True); time.sleep(60)"
            ),
            str(tmp_path / "log"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()

    assert ends(pid)

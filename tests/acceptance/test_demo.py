"""
`payouts demo`, as a newcomer runs it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.acceptance.conftest import PATIENCE
from tests.waiting import until

DEMO = [sys.executable, "-m", "worker", "demo", "--json"]


def descendants(marker: str) -> list[int]:
    """
    The processes, zombies aside, whose environment or command line names `marker`.
    """
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if marker.encode() in words and state not in "ZX":
            found.append(int(folder.name))
    return found


def test_the_demo_reaches_every_end_and_passes_the_audit(tmp_path: Path) -> None:
    """
    Exit 0, at least 20 payouts, each at its documented end, and no process left.
    """
    marker = f"DEMO_MARK={tmp_path}"
    done = subprocess.run(
        DEMO,
        env={**os.environ, "DEMO_MARK": str(tmp_path)},
        capture_output=True,
        cwd=tmp_path,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout)
    payouts = document["payouts"]
    assert len(payouts) >= 20
    assert [
        p for p in payouts if (p["expected"], p["expected_case"]) != (p["status"], p["case"])
    ] == []
    assert {p["learnt_from"] for p in payouts} <= {"reply", "notification", "query", None}
    assert document["audit"] == {"debits": 25, "duplicates": 0, "missing": 0, "ok": True}
    assert descendants(marker) == []


def test_an_interrupted_demo_leaves_no_process(tmp_path: Path) -> None:
    """
    Ctrl-C while payouts are under way ends every process that the demo started.
    """
    marker = f"DEMO_MARK={tmp_path}"
    with subprocess.Popen(
        DEMO,
        env={**os.environ, "DEMO_MARK": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        start_new_session=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith(b"[3/"):
                break
        at_work = len(descendants(marker))
        running.send_signal(signal.SIGINT)
        running.stderr.read()
        running.wait(PATIENCE)

    assert at_work > 5
    until(lambda: descendants(marker) == [], 10)

"""
A life is cut off at every point, over the real ledger, and nothing is paid twice or lost.
"""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.simulation.dying import new_folder, points_of, recovered
from tests.simulation.lives import LIVES, Life, prepare
from worker.payouts.model import AttemptOutcome
from worker.store import leases


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A migrated database, to be copied.
    """
    template = tmp_path_factory.mktemp("lives") / "template.sqlite"
    prepare(template)
    return template


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_whoever_dies_anywhere_pays_once(template: Path, life: Life) -> None:
    """
    After every change of its life the worker dies; the next one makes the record the truth.
    """
    points = points_of(life, new_folder(template, life.name))

    broken = {
        (at, effect): breaches
        for at, effect in points.items()
        if (breaches := recovered(life, new_folder(template, f"{life.name} {at}"), at))
    }

    assert broken == {}
    passed = set(points.values())
    assert {"ledger.accept", "ledger.claim_due_sends", "gateway.submit"} <= passed
    assert ("ledger.renew" in passed) is not life.at_once


def test_whoever_dies_for_real_pays_once() -> None:
    """
    The same where a whole process ends without a word, at every point of one life.
    """
    command = [sys.executable, "-m", "tests.simulation.dying", LIVES[0].name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "0 of them broke" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0


def test_a_planted_bug_is_found(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A sweep that takes a lost worker's request for one that was never sent is caught.
    """
    life = LIVES[0]
    points = points_of(life, new_folder(template, "planted"))
    find_stale = SimpleNamespace(LOST=AttemptOutcome.NOT_CONNECTED)
    monkeypatch.setattr(leases, "AttemptOutcome", find_stale)

    assert any(recovered(life, new_folder(template, f"planted {at}"), at) for at in points)

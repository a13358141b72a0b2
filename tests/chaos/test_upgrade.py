"""
The upgrade under load, from a version to itself: whether its own parts do what they say.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.upgrade import Upgrade, has_relay, upgrade

SECONDS = 16.0


def test_an_upgrade_under_load_keeps_every_promise() -> None:
    """
    Processes that start beside others, and take their place, neither lose nor repeat anything.
    """
    told: list[str] = []
    with TemporaryDirectory(prefix="payouts-upgrade-") as folder:
        found = upgrade(
            Upgrade(sys.executable, SECONDS, jobs_per_second=1.0), Path(folder), told.append
        )

    assert found.breaches == ()
    assert found.heard > len(found.findings.payouts)
    assert found.made >= SECONDS / 2
    assert found.faults >= 2
    assert len(found.findings.payouts) > 0


def test_a_version_says_whether_it_has_a_relay(tmp_path: Path) -> None:
    """
    Ours has one; a version that does not know the command, as those before it, has none.
    """
    before = tmp_path / "python"
    before.write_text("#!/bin/sh\necho 'Error: No such command relay.' >&2\nexit 2\n")
    before.chmod(0o700)

    assert has_relay(sys.executable, tmp_path)
    assert not has_relay(str(before), tmp_path)

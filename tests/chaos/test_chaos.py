from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.chaos import report
from tests.chaos.__main__ import chaos
from tests.chaos.course import Wanted
from tests.chaos.plan import kinds

SECONDS = 40.0
SEED = 99


@pytest.mark.parametrize(("database", "restores"), [("postgres", True), ("sqlite", False)])
def test_the_promises_hold_whatever_breaks(database: str, restores: bool) -> None:
    """
    Each kind of fault at least once, under load: then all comes to rest, and every promise holds.
    """
    with TemporaryDirectory(prefix="payouts-chaos-") as folder:
        outcome = chaos(Wanted(SEED, SECONDS, 1.0, database, restores), Path(folder))

    assert outcome.breaches == (), "\n".join(report.lines(outcome))
    assert {fault.kind for fault, _ in outcome.faults} == set(kinds(database, restores=restores))
    assert outcome.accepted + outcome.rejected == outcome.made >= SECONDS / 2

"""
A backup drill, short: a database that is lost under load comes back without a debt paid twice.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.chaos.drill import drill


@pytest.mark.parametrize("method", ["dump", "base"])
def test_a_lost_database_is_restored_from_a_backup(method: str) -> None:
    """
    What the backup lacks is found again: jobs by their producer, claims by the journals and by JD.
    """
    told: list[str] = []
    with TemporaryDirectory(prefix="payouts-drill-") as folder:
        made = drill(Path(folder), method, 10.0, (5.0, 4.0), told.append)

    assert made.findings is not None
    assert made.findings.breaches == ()
    assert made.counted["payouts lost with the database"] > 0
    assert made.counted["claims that only the journals knew"] > 0
    assert len(made.seconds) == 5

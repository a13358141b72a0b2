"""
Each alert begins by a fault that is really made, is told once, and ends when it is mended.
"""

import logging

import pytest

from tests.integration.alerts.conftest import Place
from tests.integration.alerts.faults import FAULTS
from worker.payouts.policy.alerts import AlertKind

#: SQLite does not tell who has a transaction open.
TOLD = [
    (database, name)
    for database in ("sqlite", "postgres")
    for name in FAULTS
    if (database, name) != ("sqlite", "transaction_open")
]


@pytest.mark.parametrize(("databases", "name"), TOLD, indirect=["databases"])
def test_a_fault_is_an_alert_until_it_is_mended(
    place: Place, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It is that alert and no other, with one line when it begins and one when it ends.
    """
    fault, kinds = FAULTS[name]
    with caplog.at_level(logging.INFO, "jdpay_payouts.monitor"):
        with fault(place):
            place.until_told(*kinds)
            place.monitor.tell()
            place.monitor.tell()
        place.until_told()
        place.monitor.tell()
        place.monitor.tell()

    lines = [
        (r.levelname, r.message, vars(r)["alert"]) for r in caplog.records if hasattr(r, "alert")
    ]
    assert sorted(lines) == sorted(
        [("ERROR", "alert begins", kind) for kind in kinds]
        + [("INFO", "alert ends", kind) for kind in kinds]
    )


def test_every_kind_of_alert_has_a_fault() -> None:
    """
    None is only believed to work.
    """
    assert set().union(*(kinds for _, kinds in FAULTS.values())) == {*AlertKind}

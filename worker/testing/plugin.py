"""
The fixture `payouts`: a stack of real processes with play money, for a session of tests.
"""

from collections.abc import Iterator

import pytest

from worker.testing.payouts import Payouts, started


@pytest.fixture(scope="session")
def payouts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Payouts]:
    """
    A running stack, empty at first; with pytest-xdist each process has one of its own.
    """
    with started(tmp_path_factory.mktemp("payouts")) as running:
        yield running

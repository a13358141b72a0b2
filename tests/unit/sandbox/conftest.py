"""
One set of keys for all tests of the sandbox's parts.
"""

from pathlib import Path

import pytest

from tests.unit.sandbox.openssl import Merchant
from worker.sandbox.keys import Keys, prepare


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """
    Keys as the sandbox makes them.
    """
    return prepare(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A folder for what tests make with `openssl`.
    """
    return tmp_path_factory.mktemp("openssl")


@pytest.fixture(scope="session")
def merchant(keys: Keys, workplace: Path) -> Merchant:
    """
    The merchant that the sandbox knows.
    """
    return Merchant.of(keys.directory, workplace)

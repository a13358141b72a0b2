"""
One sandbox for all tests here, in a hurry: tests tell their orders apart by number.
"""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.sandbox.client import Client
from tests.integration.sandbox.receiver import Receiver, running
from tests.unit.sandbox.openssl import Merchant
from worker.sandbox.behaviour import Timing
from worker.sandbox.keys import Keys, prepare
from worker.sandbox.running import Options, Sandbox

TIMING = Timing(
    pay_after=timedelta(milliseconds=200),
    return_after=timedelta(milliseconds=400),
    hang=timedelta(seconds=30),
    notify_at=tuple(timedelta(milliseconds=ms) for ms in (0, 100, 300, 500, 700)),
)

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """
    The sandbox's keys.
    """
    return prepare(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def merchant(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Merchant:
    """
    The merchant that it knows.
    """
    return Merchant.of(keys.directory, tmp_path_factory.mktemp("merchant"))


@pytest.fixture(scope="session")
def client(keys: Keys, merchant: Merchant) -> Iterator[Client]:
    """
    A client of a running sandbox.
    """
    with Sandbox(keys, Options(timing=TIMING)) as sandbox:
        yield Client(sandbox, str(keys.ca_file), merchant)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """
    A receiver of notifications.
    """
    with running() as receiver:
        yield receiver


@pytest.fixture
def number() -> str:
    """
    An order number that no other test uses.
    """
    return f"PAYOUT{next(_numbers):08}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A folder with a Chinese name, which must do as well as any.
    """
    return tmp_path / "沙箱"

"""
A whole stack of real processes for each acceptance test.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from worker import bootstrap
from worker.demo.stack import HURRIED, HURRIED_SANDBOX, Stack, running
from worker.settings import Profile, StoreSettings
from worker.store.ledger import SqlLedger

#: How long a test waits for something that must happen, in seconds: generous, never slept through.
PATIENCE = 120.0


@contextlib.contextmanager
def a_stack(
    *,
    database: str = "sqlite",
    settings: Mapping[str, str] | None = None,
    sandbox: tuple[str, ...] = (),
    flower: bool = False,
) -> Iterator[tuple[Stack, SqlLedger]]:
    """
    A running stack with the ledger that it writes; both end with the block.
    """
    with (
        tempfile.TemporaryDirectory(prefix="payouts-accept-") as folder,
        running(
            Path(folder),
            database=database,
            settings={**HURRIED, **(settings or {})},
            sandbox=(*HURRIED_SANDBOX, *sandbox),
            flower=flower,
        ) as stack,
        contextlib.closing(open_ledger(stack)) as ledger,
    ):
        yield stack, ledger
        # What an orderly end takes its time for is of no use to anybody.
        for child in stack.children.values():
            child.kill()


def open_ledger(stack: Stack) -> SqlLedger:
    """
    The ledger of a stack, read by the test itself.
    """
    return bootstrap.open_ledger(
        StoreSettings(
            profile=Profile(stack.environment["PAYOUTS_PROFILE"]),
            database_url=SecretStr(stack.environment["PAYOUTS_DATABASE_URL"]),
            keyring=SecretStr(stack.environment["PAYOUTS_KEYRING"]),
        )
    )


@pytest.fixture
def stack_and_ledger() -> Iterator[tuple[Stack, SqlLedger]]:
    """
    A stack with the demo's settings, on SQLite.
    """
    with a_stack() as parts:
        yield parts

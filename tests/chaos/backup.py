"""
The database of a running stack, kept as it is and put back later.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.chaos.operator import command
from worker.demo.stack import Stack
from worker.embedded.postgres import Postgres


def take(stack: Stack) -> None:
    """
    Keep the database as it is. PostgreSQL is stopped for that, as a crash would.
    """
    if stack.postgres is None:
        _copy_sqlite(_file(stack), _kept(stack))
        return
    stack.postgres.stop(immediate=True)
    _copy_folder(_data(stack.postgres), _kept(stack))
    stack.postgres.start()


def put_back(stack: Stack) -> None:
    """
    Make the database what was kept, whoever is at work on it. Raises `NotReady`.
    """
    if stack.postgres is None:
        _copy_sqlite(_kept(stack), _file(stack))
        return
    stack.postgres.stop(immediate=True)
    _copy_folder(_kept(stack), _data(stack.postgres))
    stack.postgres.start()


def say_so(stack: Stack) -> None:
    """
    Do what an operator does after a restore.
    """
    command(stack, "restored", "--why", "chaos", "--journal", stack.environment["PAYOUTS_JOURNAL"])


def _kept(stack: Stack) -> Path:
    return stack.directory / "backup"


def _file(stack: Stack) -> Path:
    return Path(stack.environment["PAYOUTS_DATABASE_URL"].removeprefix("sqlite:///"))


def _data(postgres: Postgres) -> Path:
    return postgres.directory / "data"


def _copy_sqlite(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=60)) as one,
        closing(sqlite3.connect(target, timeout=60)) as other,
    ):
        one.backup(other)


def _copy_folder(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)

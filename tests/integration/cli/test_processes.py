"""
The command as an operator runs it: a process of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.servers import SqliteDatabases
from worker.store.keyring import Keyring

Completed = subprocess.CompletedProcess[str]


@pytest.fixture
def payouts() -> Callable[..., Completed]:
    """
    Run `payouts` with the given settings and nothing else of ours.
    """

    def call(*arguments: str, text: str = "", **settings: str) -> Completed:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "worker", *arguments],
            env=environment | settings,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def test_help_lists_every_command(payouts: Callable[..., Completed]) -> None:
    """
    `payouts --help` needs no settings.
    """
    result = payouts("--help")

    assert result.returncode == 0
    assert {"cases", "doctor", "enqueue", "migrate", "show"} <= set(result.stdout.split())


def test_missing_settings_are_all_named(payouts: Callable[..., Completed]) -> None:
    """
    Exit code 1, every missing setting, and no traceback.
    """
    result = payouts("list", "--json")

    assert result.returncode == 1
    assert "PAYOUTS_DATABASE_URL: is not set" in json.loads(result.stdout)["error"]
    assert "PAYOUTS_KEYRING: is not set" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_without_tables_asks_for_them(
    payouts: Callable[..., Completed], sqlite_url: str
) -> None:
    """
    On an empty database a command says what to run.
    """
    settings = {"PAYOUTS_DATABASE_URL": sqlite_url, "PAYOUTS_KEYRING": Keyring.generate_key()}

    result = payouts("show", "ORDER001", "--json", **settings)

    assert result.returncode == 1
    assert "run `payouts migrate`" in json.loads(result.stdout)["error"]


def test_a_database_that_is_away_is_named(
    payouts: Callable[..., Completed], free_port: int
) -> None:
    """
    One line with its address, without the password.
    """
    url = f"postgresql://payouts:hunter2@127.0.0.1:{free_port}/payouts"
    settings = {"PAYOUTS_DATABASE_URL": url, "PAYOUTS_KEYRING": Keyring.generate_key()}

    result = payouts("list", **settings)

    assert result.returncode == 1
    assert f"the database postgresql://127.0.0.1:{free_port}/payouts cannot be" in result.stderr
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_database_url_that_is_none_is_said_so(payouts: Callable[..., Completed]) -> None:
    """
    A slip in the URL is told without quoting it.
    """
    settings = {"PAYOUTS_DATABASE_URL": "hunter2", "PAYOUTS_KEYRING": Keyring.generate_key()}

    result = payouts("migrate", **settings)

    assert result.returncode == 1
    assert "PAYOUTS_DATABASE_URL: this is not a database URL" in result.stderr
    assert "hunter2" not in result.stderr


def test_migrate_then_list(
    payouts: Callable[..., Completed], sqlite_databases: SqliteDatabases
) -> None:
    """
    Two processes: the first makes the tables, the second reads them.
    """
    settings = {
        "PAYOUTS_DATABASE_URL": sqlite_databases.fresh(),
        "PAYOUTS_KEYRING": Keyring.generate_key(),
    }

    migrated = payouts("migrate", **settings)
    listed = payouts("list", "--json", **settings)

    assert migrated.returncode == 0
    assert json.loads(listed.stdout) == {"payouts": [], "total": 0}


def test_a_job_with_a_slip_is_not_quoted(payouts: Callable[..., Completed]) -> None:
    """
    Broken JSON is told by line and column.
    """
    result = payouts("enqueue", "-", text='{\n "payee_account_no": "6222021234567897312"\n "x": 1}')

    assert result.returncode == 1
    assert "line 3, column 2" in result.stderr
    assert "6222" not in result.stderr

"""
Bringing a database up to date.
"""

import json

import pytest
import sqlalchemy as sa

from tests.integration.cli.conftest import Run
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.revision import EXPECTED


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    """
    An empty database of either kind, configured.
    """
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    monkeypatch.setenv("PAYOUTS_KEYRING", Keyring.generate_key())
    return database_url


def test_an_empty_database_becomes_current(run: Run, fresh: str) -> None:
    """
    It says from which revision to which, and stamps the profile.
    """
    result = run("migrate", "--json")

    assert json.loads(result.stdout) == {"from": None, "to": EXPECTED, "profile": "sandbox"}
    assert run("list").stdout == "none\n"


def test_it_is_safe_to_repeat(run: Run, fresh: str) -> None:
    """
    The second run changes nothing and says so.
    """
    run("migrate")

    assert run("migrate").stdout == f"the sandbox database is current already, at {EXPECTED}\n"


def test_another_profile_is_refused(run: Run, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A sandbox database is never touched by the live profile.
    """
    run("migrate")
    monkeypatch.setenv("PAYOUTS_PROFILE", "live")

    result = run("migrate")

    assert result.exit_code == 1
    assert "belongs to the sandbox profile, not to live; nothing was changed" in result.stderr


def test_a_newer_schema_is_left_alone(run: Run, fresh: str) -> None:
    """
    A revision that this version does not know is named.
    """
    run("migrate")
    engine = create_engine(fresh)
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    result = run("migrate")

    assert result.exit_code == 1
    assert "revision 9999, which this version does not know" in result.stderr

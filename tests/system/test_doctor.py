"""
Doctor, on databases as people run them: what it calls well works, and its advice helps.
"""

import pytest

from tests.contract.samples import KEY
from tests.system import servers
from worker.cli.doctor import store
from worker.cli.doctor.finding import Level
from worker.embedded.postgres import Postgres
from worker.store.database import Database
from worker.store.migrate import prepare


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A keyring; each test names its database.
    """
    monkeypatch.setenv("PAYOUTS_KEYRING", KEY)


def told(monkeypatch: pytest.MonkeyPatch, url: str, level: Level) -> str:
    """
    What doctor says of a database at one level.
    """
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", url)
    return "\n".join(f"{f.seen} | {f.remedy}" for f in store.database() if f.level is level)


def test_a_pooler_that_keeps_transactions_together(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, database: str
) -> None:
    """
    It is named, and nothing has to be done.
    """
    with servers.pooler(postgres, "transaction") as pooler:
        url = pooler.url(database)
        with Database(url) as found:
            prepare(found, "sandbox")

        assert told(monkeypatch, url, Level.FAULT) == ""
        assert "through a pooler" in told(monkeypatch, url, Level.OK)
        assert "it can be written to" in told(monkeypatch, url, Level.OK)


def test_a_pooler_that_tears_transactions_apart(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, database: str
) -> None:
    """
    The advice is to change its mode, and the mode that it names works.
    """
    with servers.pooler(postgres, "statement") as pooler:
        advice = told(monkeypatch, pooler.url(database), Level.FAULT)
    assert "pool_mode to transaction or session" in advice


def test_a_pooler_that_refuses_the_urls_options(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, database: str
) -> None:
    """
    Both ways out that the advice names work, and the option counts in the second.
    """
    options = "?options=-c%20statement_timeout=2s"
    with servers.pooler(postgres, "transaction") as pooler:
        advice = told(monkeypatch, pooler.url(database, options), Level.FAULT)
        assert "the schema is missing" in told(monkeypatch, pooler.url(database), Level.FAULT)
    assert "ignore_startup_parameters" in advice
    ignoring = {"ignore_startup_parameters": "options"}
    with servers.pooler(postgres, "transaction", **ignoring) as pooler:
        url = pooler.url(database, options)
        assert "the schema is missing" in told(monkeypatch, url, Level.FAULT)


def test_a_standby(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The advice is to name all hosts, and so named it works.
    """
    with servers.postgres() as primary:
        with Database(primary.url) as found:
            prepare(found, "sandbox")
        with servers.standby(primary) as standby:
            assert "leads to a standby" in told(monkeypatch, standby.url, Level.FAULT)
            hosts = [
                server.url.partition("host=")[2].partition("&")[0] for server in (standby, primary)
            ]
            url = f"postgresql://postgres@/postgres?host={','.join(hosts)}&port=5432,5432"
            assert told(monkeypatch, url, Level.FAULT) == ""

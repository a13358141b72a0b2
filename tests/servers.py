"""
The servers and databases that tests run against.

Both databases offer the same two things, so that one test runs over either: `fresh()`, an empty
database, and `prepared(prepare)`, a copy of one that `prepare(url)` has been run on once.
"""

import contextlib
import os
import secrets
import shutil
import string
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import make_url

from worker.embedded.broker import Broker
from worker.embedded.postgres import Postgres

#: Crash safety of the machine itself, which no test can try, is not worth the waiting.
_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Databases(Protocol):
    """
    A source of databases, each with its SQLAlchemy URL.
    """

    def fresh(self) -> str:
        """
        An empty database.
        """

    def prepared(self, prepare: Callable[[str], None]) -> str:
        """
        A database as `prepare` leaves it; `prepare` runs once in a session, the rest are copies.
        """


class SqliteDatabases:
    """
    SQLite files in one folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[Callable[[str], None], Path] = {}

    def fresh(self) -> str:
        """
        The URL of a file that does not exist yet, which is SQLite's empty database.
        """
        return _sqlite_url(self._new_file())

    def prepared(self, prepare: Callable[[str], None]) -> str:
        """
        A copy of the prepared file. `prepare` must close what it opens, so that no WAL is left.
        """
        if prepare not in self._templates:
            template = self._new_file()
            prepare(_sqlite_url(template))
            self._templates[prepare] = template
        copy = self._new_file()
        shutil.copy(self._templates[prepare], copy)
        return _sqlite_url(copy)

    def _new_file(self) -> Path:
        return self._folder / f"{_new_name()}.sqlite"


class PostgresDatabases:
    """
    Databases of one PostgreSQL server. `drop_lent` is called when a test has ended.

    With a pooler in front of it, tests reach them through that.
    """

    def __init__(self, server_url: str, pooler_url: str | None = None) -> None:
        self._url = make_url(server_url)
        self._lent_from = make_url(pooler_url or server_url)
        self._templates: dict[Callable[[str], None], str] = {}
        self._lent: list[str] = []

    def fresh(self) -> str:
        """
        An empty database.
        """
        return self._lend(self._create("template0"))

    def prepared(self, prepare: Callable[[str], None]) -> str:
        """
        A copy of the prepared database. `prepare` must leave no connection open behind it.
        """
        if prepare not in self._templates:
            name = self._create("template0")
            # Not through a pooler: it would keep a connection, and a template must have none.
            prepare(self._url.set(database=name).render_as_string(hide_password=False))
            self._templates[prepare] = name
        return self._lend(self._create(self._templates[prepare]))

    def drop_lent(self) -> None:
        """
        Drop what was handed out, also when someone is still connected.
        """
        while self._lent:
            self._drop(self._lent.pop())

    def drop_templates(self) -> None:
        """
        Drop what the copies were made of.
        """
        while self._templates:
            self._drop(self._templates.popitem()[1])

    def _create(self, template: str) -> str:
        name = f"payouts_test_{_new_name()}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def _lend(self, name: str) -> str:
        self._lent.append(name)
        return self._lent_from.set(database=name).render_as_string(hide_password=False)

    def _drop(self, name: str) -> None:
        self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        conninfo = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _new_name() -> str:
    # Of letters: log lines hide long runs of digits, as they may be a payee's account.
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


@contextlib.contextmanager
def running_broker() -> Iterator[str]:
    """
    The URL of the broker in TEST_REDIS_URL, else of an embedded one.
    """
    if given := os.environ.get("TEST_REDIS_URL"):
        with contextlib.closing(redis.Redis.from_url(given)) as client:
            try:
                client.ping()
            except redis.RedisError as error:
                pytest.fail(f"No broker answers at TEST_REDIS_URL: {error}")
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="payouts-broker-") as folder,
        Broker(Path(folder)) as broker,
    ):
        yield broker.url


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresDatabases]:
    """
    Databases on the server in TEST_DATABASE_URL, else on an embedded one.

    TEST_POOLER_URL names a pooler in front of that server.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        databases = PostgresDatabases(given, os.environ.get("TEST_POOLER_URL"))
        try:
            databases.fresh()
        except psycopg.OperationalError as error:
            pytest.fail(f"No PostgreSQL answers at TEST_DATABASE_URL: {error}")
        try:
            yield databases
        finally:
            databases.drop_templates()
        return
    # Not one of pytest's own folders: the server may have to run as another user, who cannot look
    # into them.
    with (
        tempfile.TemporaryDirectory(prefix="payouts-data-") as folder,
        Postgres(Path(folder), _FAST) as server,
    ):
        yield PostgresDatabases(server.url)


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"

"""
The embedded database: PostgreSQL on a private unix socket, without a network port.
"""

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from worker.embedded.children import Child
from worker.embedded.errors import NotReady
from worker.embedded.launcher import Launcher, find_launcher

_INIT_SECONDS = 60.0
_START_SECONDS = 30.0
_PORT = 5432
_USER = "postgres"


class Postgres:
    """
    A PostgreSQL server that keeps its data in `directory` over restarts, under the same URL.

    Everyone who can open the socket is let in: its directory belongs to this user alone.
    `settings` are server settings, such as `fsync`; `programs` is a folder with those of another
    PostgreSQL.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        programs: Path | None = None,
    ) -> None:
        self.directory = directory
        self._programs = programs
        self._settings = dict(settings or {})
        # A socket's path may hold about 100 characters, so it cannot be beside the data.
        self._sockets = Path(tempfile.mkdtemp(prefix="payouts-pg-"))
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """
        The SQLAlchemy URL of the database that every server has.
        """
        return self.database_url(_USER)

    @property
    def pid(self) -> int | None:
        """
        The server's process id; None while it is stopped.
        """
        return self._child.pid if self._child else None

    def database_url(self, name: str) -> str:
        """
        The SQLAlchemy URL of one database on this server.
        """
        return f"postgresql+psycopg://{_USER}@/{name}?host={quote(str(self._sockets))}&port={_PORT}"

    def create_database(self, name: str) -> str:
        """
        Create an empty database and return its URL.
        """
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database_url(name)

    def start(self) -> None:
        """
        Start the server, making its files first if there are none, and wait until it answers.

        Raises `NotInstalled`, `NotPermitted` or `NotReady`.
        """
        launcher = find_launcher(self._programs)
        self.directory.mkdir(parents=True, exist_ok=True)
        data = self.directory / "data"
        if not data.exists():
            self._initialise(launcher, data)
        launcher.hand_over(self.directory)
        launcher.hand_over(self._sockets)
        argv = [*launcher.command("postgres", signal.SIGINT), "-D", data, "-k", self._sockets]
        argv += ["-h", "", "-p", str(_PORT)]
        for name, value in self._settings.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's "fast" shutdown; SIGTERM would wait for its clients to leave.
        log = self.directory / "postgres.log"
        self._child = Child(argv, log=log, stop_signal=signal.SIGINT)
        try:
            self._wait_until_ready(self._child)
        except NotReady:
            self._child.kill()
            self._child = None
            raise

    def stop(self, *, immediate: bool = False) -> None:
        """
        Stop the server; `immediate` as a crash would, so that the next start has to recover.
        """
        if self._child:
            if immediate:
                self._child.send(signal.SIGQUIT)
                self._child.wait(_START_SECONDS)
            self._child.stop()
            self._child = None

    def _initialise(self, launcher: Launcher, data: Path) -> None:
        # Made aside and then renamed, so that a half-made directory is never taken for a whole one.
        fresh = data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        launcher.hand_over(self.directory)
        argv = [*launcher.command("initdb", signal.SIGTERM), "-D", fresh, "-U", _USER]
        argv += ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        with Child(argv, log=self.directory / "initdb.log") as child:
            child.wait(_INIT_SECONDS)
        if child.exit_code != 0:
            raise NotReady(f"initdb failed. The end of {child.log}:\n{child.tail()}")
        fresh.rename(data)

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while child.is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self._conninfo()).close()
                return
            time.sleep(0.02)
        raise NotReady(f"PostgreSQL did not start. The end of {child.log}:\n{child.tail()}")

    def _conninfo(self) -> str:
        return make_conninfo(host=str(self._sockets), port=_PORT, user=_USER, dbname=_USER)

    def close(self) -> None:
        """
        Stop the server for good and remove its socket. The data stays.
        """
        self.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as if_it_fails:
            if_it_fails.callback(self.close)
            self.start()
            if_it_fails.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

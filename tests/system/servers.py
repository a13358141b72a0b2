"""
Servers out of the system's packages, as people run them; one that is missing fails the test.

They lie in temporary folders, on private sockets or free loopback ports, and end with the test.
"""

import contextlib
import dataclasses
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from sqlalchemy import make_url

from worker.embedded.broker import Broker, free_port
from worker.embedded.children import Child
from worker.embedded.launcher import find_launcher
from worker.embedded.postgres import Postgres

_SECONDS = 30.0


def programs(name: str, package: str) -> Path:
    """
    The folder with a program of the system's: the newest version where there are several.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4])
    )
    on_path = shutil.which(name)
    if found or on_path:
        return found[-1].parent if found else Path(str(on_path)).parent
    pytest.fail(f"There is no {name} here. Debian: apt-get install {package}")


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """
    A folder for a server, which may have to run as another user than this one.
    """
    with tempfile.TemporaryDirectory(prefix="payouts-system-") as name:
        yield Path(name)


@contextlib.contextmanager
def postgres(settings: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """
    A PostgreSQL of the system's, with the durability that it has by default.
    """
    where = programs("postgres", "postgresql")
    with folder() as directory, Postgres(directory, settings, where) as server:
        yield server


@contextlib.contextmanager
def standby(primary: Postgres) -> Iterator[Postgres]:
    """
    A hot standby of a running server, made with pg_basebackup.
    """
    where = programs("pg_basebackup", "postgresql")
    launcher = find_launcher(where)
    with folder() as directory:
        data = directory / "data"
        data.mkdir(mode=0o700)
        launcher.hand_over(directory)
        argv = [
            *launcher.command("pg_basebackup", signal.SIGTERM),
            "-D",
            data,
            "-R",
            "-X",
            "stream",
        ]
        argv += ["-c", "fast", "-d", conninfo(primary.url)]
        with Child(argv, log=directory / "basebackup.log") as copying:
            copying.wait(_SECONDS)
        assert copying.exit_code == 0, copying.tail()
        with Postgres(directory, None, where) as server:
            yield server


@contextlib.contextmanager
def redis_server() -> Iterator[Broker]:
    """
    A Redis of the system's.
    """
    program = programs("redis-server", "redis-server") / "redis-server"
    with folder() as directory, Broker(directory, program=program) as broker:
        yield broker


def conninfo(url: str) -> str:
    """
    A SQLAlchemy URL as PostgreSQL's own tools take it.
    """
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def administer(url: str, *statements: str) -> Any:
    """
    Run statements as an administrator does; what the last one told, if it told anything.
    """
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


class Pooler:
    """
    A pgbouncer in front of a PostgreSQL server, on a free loopback port.
    """

    def __init__(self, directory: Path, behind: Postgres, settings: Mapping[str, object]) -> None:
        self._directory = directory
        self._behind = behind
        self.port = free_port()
        self._settings = settings
        self._child: Child | None = None

    def url(self, database: str = "postgres", query: str = "") -> str:
        """
        The SQLAlchemy URL of a database behind it.
        """
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}{query}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """
        Start it and wait until it answers.
        """
        where = programs("pgbouncer", "pgbouncer")
        launcher = dataclasses.replace(
            find_launcher(programs("postgres", "postgresql")), programs=where
        )
        host = make_url(self._behind.url).query["host"]
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "default_pool_size": 2,
            **self._settings,
        }
        lines = ["[databases]", f"* = host={host} port=5432 user=postgres", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        file = self._directory / "pgbouncer.ini"
        file.write_text("\n".join(lines) + "\n")
        launcher.hand_over(self._directory)
        argv = [*launcher.command("pgbouncer", signal.SIGINT), file]
        self._child = Child(argv, log=self._directory / "pgbouncer.log", stop_signal=signal.SIGINT)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and self._child.is_alive():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            time.sleep(0.02)
        raise AssertionError(self._child.tail())

    def stop(self) -> None:
        """
        Stop it at once, whoever is connected.
        """
        if self._child:
            self._child.stop()
            self._child = None


@contextlib.contextmanager
def pooler(behind: Postgres, pool_mode: str, **settings: object) -> Iterator[Pooler]:
    """
    A pgbouncer of the system's.
    """
    given = {"pool_mode": pool_mode, **settings}
    with folder() as directory, Pooler(directory, behind, given) as running:
        yield running

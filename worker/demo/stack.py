"""
Every process of the product, started together and stopped together.

What runs is what runs in production: the same worker, beat and receiver, told by environment
variables alone that their broker, database and gateway are near.
"""

import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from worker.embedded.broker import Broker, free_port
from worker.embedded.children import Child
from worker.embedded.postgres import Postgres
from worker.payouts.errors import PayoutError
from worker.processes import COMMANDS, CONSUMERS
from worker.sandbox.private_files import write_private
from worker.settings import Profile
from worker.store.keyring import Keyring

#: Minutes and days as seconds, so that a demo shows in half a minute what takes weeks.
HURRIED = {
    "PAYOUTS_FOLLOWUPS": "1s,3s,6s,12s",
    "PAYOUTS_FOLLOWUP_TAIL": "3s/60s,10s/10m,1m",
    "PAYOUTS_RETURN_WATCH": "2s,4s,6s,9s,15s,30s,60s",
    "PAYOUTS_QUERY_RETRY_FIRST": "1s",
    "PAYOUTS_QUERY_RETRY_LONGEST": "3s",
    "PAYOUTS_RESEND_GAPS": "0.5s,2s",
    "PAYOUTS_BACKOFF_FIRST": "0.5s",
    "PAYOUTS_BACKOFF_LONGEST": "2s",
    "PAYOUTS_HTTP_DEADLINE": "2s",
    "PAYOUTS_LEASE_MARGIN": "2s",
    "PAYOUTS_LOOK_AGAIN": "2s",
    "PAYOUTS_HURRY_SPACING": "1s",
    "PAYOUTS_SWEEP_EVERY": "0.5s",
    # One scenario answers with a bad signature on purpose; the default of 3 would pause the rest.
    "PAYOUTS_UNVERIFIABLE_LIMIT": "1000",
    # And many leave a payout unknown, also on purpose.
    "PAYOUTS_BREAKER_LEAST": "1000000",
}

#: The sandbox's own pace to match.
HURRIED_SANDBOX = (
    *("--pay-after", "1500ms", "--return-after", "3s", "--hang", "10s"),
    *("--notify-at", "0s,1s,3s,6s,12s"),
)


#: Whatever listens on a port.
PARTS = ("broker", "sandbox", "receiver", "flower")


class StackError(PayoutError):
    """
    A process of the stack did not start, or ended by itself.
    """


class Stack:
    """
    The processes, where they are, and how to start and end each of them.
    """

    def __init__(
        self,
        directory: Path,
        parts: contextlib.ExitStack,
        python: str = sys.executable,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.directory = directory
        #: The interpreter of what is started from now on, and so which version of the program.
        self.python = python
        self.children: dict[str, Child] = {}
        self._parts = parts
        self._commands: dict[str, tuple[tuple[str, ...], Mapping[str, str]]] = {}
        foreign = ("PAYOUTS_", "CELERY_", "FLOWER_")
        self._outside = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        # The current directory comes first on a module's path, so it is one without any module.
        self._empty = directory / "empty"
        self._empty.mkdir(parents=True, exist_ok=True)
        found = {name: free_port() for name in PARTS} | {**(ports or {})}
        self.broker = parts.enter_context(Broker(directory / "broker", found["broker"]))
        #: The database server, where there is one.
        self.postgres: Postgres | None = None
        self.sandbox_url = f"https://127.0.0.1:{found['sandbox']}"
        self.receiver_url = f"http://127.0.0.1:{found['receiver']}"
        self.flower_url = f"http://127.0.0.1:{found['flower']}"
        #: The settings that every process is given.
        self.environment: dict[str, str] = {}

    @property
    def ca_file(self) -> Path:
        """
        The sandbox's authority, which its HTTPS certificate is signed by.
        """
        return self.directory / "sandbox" / "ca.pem"

    def start(self, name: str, *arguments: str, own: Mapping[str, str] | None = None) -> Child:
        """
        Start a Python module as a process; without arguments, the one of that name again.

        `own` is what its environment has besides the settings, or in place of them.
        """
        command, added = self._commands.get(name, ((), {}))
        command, added = arguments or command, added if own is None else own
        self._commands[name] = command, added
        child = Child(
            [self.python, "-m", *command],
            log=self.directory / f"{name}.log",
            env={**self._outside, **self.environment, **added},
            cwd=self._empty,
        )
        self.children[name] = self._parts.enter_context(child)
        return child

    def kill(self, name: str) -> None:
        """
        End one process and its children as a crash would.
        """
        self.children.pop(name).kill()

    def end(self) -> None:
        """
        Ask every process but the broker to end, all at once; who leaves the stack waits for them.
        """
        for child in self.children.values():
            child.send(signal.SIGTERM)

    def books(self) -> dict[str, Any]:
        """
        The sandbox's own books.
        """
        with _local_session() as session:
            url = f"{self.sandbox_url}/sandbox/books"
            reply = session.get(url, verify=str(self.ca_file), timeout=5)
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    def check(self) -> None:
        """
        Raise `StackError` if a process has ended, with the end of its log.
        """
        for name, child in self.children.items():
            if not child.is_alive():
                raise StackError(f"{name} ended by itself; its log ends:\n{child.tail()}")


@contextlib.contextmanager
def running(  # noqa: PLR0913 - each has a default that most keep
    directory: Path,
    *,
    database: str = "sqlite",
    settings: Mapping[str, str] = HURRIED,
    sandbox: tuple[str, ...] = HURRIED_SANDBOX,
    flower: bool = False,
    copies: int = 1,
    python: str = sys.executable,
    relay: bool = True,
    ports: Mapping[str, int] | None = None,
) -> Iterator[Stack]:
    """
    Run broker, database, sandbox, receiver, worker, beat and relay below `directory`, until left.

    Whatever is in the directory from the last time goes on. `ports` are those of `PARTS` that are
    not to be any free ones.

    `copies` is how many there are of each worker and of beat; further ones are called ``worker2``,
    ``sender2``, ``beat2`` and so on. `python` may be of a version that has no `relay`. Raises
    `StackError` or `EmbeddedError` where something cannot start.
    """
    with contextlib.ExitStack() as parts:
        stack = Stack(directory, parts, python, ports)
        database_url = f"sqlite:///{directory}/payouts.sqlite"
        if database == "postgres":
            stack.postgres = parts.enter_context(Postgres(directory / "postgres"))
            database_url = stack.postgres.url
        stack.environment |= {
            "PAYOUTS_PROFILE": settings.get("PAYOUTS_PROFILE", Profile.SANDBOX),
            "PAYOUTS_DATABASE_URL": database_url,
            "PAYOUTS_KEYRING": _keyring(directory / "keyring"),
        }
        # The two need nothing of each other, and each takes its seconds.
        migrating = stack.start("migrate", "worker", "migrate")
        _start_sandbox(stack, sandbox)
        stack.environment |= {
            **_read_environment(directory / "sandbox" / "sandbox.env"),
            "PAYOUTS_BROKER_URL": stack.broker.url,
            "PAYOUTS_JOURNAL": str(directory / "journal"),
            "PAYOUTS_NOTIFY_URL": f"{stack.receiver_url}/jdpay/notify",
            **settings,
        }
        _wait_until_done(migrating)
        del stack.children["migrate"]
        bind = stack.receiver_url.removeprefix("http://")
        stack.start("receiver", *COMMANDS["web"], "--bind", bind)
        for kind in CONSUMERS:
            for name in _names(kind, copies):
                stack.start(name, *COMMANDS[kind], f"--hostname={name}@%h")
        for name in _names("beat", copies):
            stack.start(name, *COMMANDS["beat"], "--schedule", str(directory / name))
        if relay:
            stack.start("relay", "worker", *COMMANDS["relay"][1:])
        if flower:
            # In the environment, because everyone on the machine can read a command line.
            stack.environment["FLOWER_BASIC_AUTH"] = f"demo:{secrets.token_urlsafe(12)}"
            stack.start("flower", "worker", "flower", "--port", stack.flower_url.rpartition(":")[2])
        _wait_for(stack.children["receiver"], f"{stack.receiver_url}/health", None)
        yield stack


def _names(part: str, count: int) -> list[str]:
    return [part, *(f"{part}{number}" for number in range(2, count + 1))]


def _keyring(path: Path) -> str:
    if not path.exists():
        write_private(path, Keyring.generate_key().encode())
    return path.read_text(encoding="utf-8")


def _start_sandbox(stack: Stack, options: tuple[str, ...]) -> None:
    port = stack.sandbox_url.rpartition(":")[2]
    keys = str(stack.ca_file.parent)
    child = stack.start("sandbox", "worker", "sandbox", "--dir", keys, "--port", port, *options)
    _wait_for(child, f"{stack.sandbox_url}/sandbox/health", stack.ca_file)


def _read_environment(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=")[::2] for line in lines if line and not line.startswith("#"))
    return dict(pairs)


def _local_session() -> requests.Session:
    session = requests.Session()
    # A proxy of the user's has no business between two processes of this machine.
    session.trust_env = False
    return session


def _wait_for(child: Child, url: str, ca_file: Path | None, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    with _local_session() as session:
        while child.is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(requests.RequestException, OSError):
                if session.get(url, verify=str(ca_file) if ca_file else True, timeout=10).ok:
                    return
            time.sleep(0.05)
    raise StackError(f"{child.log.stem} does not answer at {url}; its log ends:\n{child.tail()}")


def _wait_until_done(child: Child, seconds: float = 30.0) -> None:
    child.wait(seconds)
    if child.kill() != 0:
        raise StackError(f"{child.log.stem} failed; its log ends:\n{child.tail()}")

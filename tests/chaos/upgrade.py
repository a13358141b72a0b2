"""
``python -m tests.chaos.upgrade --from DIRECTORY``: an upgrade under load, with no moment of rest.

In the directory is an installed checkout of the version before. Its processes work alone first;
then the tables are migrated beneath them, this version's start beside them, and they are ended.
Then everything is sealed anew with another key.
Exit 0 if no process ended by itself and every promise held, 1 if not.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import SecretStr

from tests.chaos.audit import Findings, audit, unfinished
from tests.chaos.plan import LONGER_THAN_A_LEASE
from tests.chaos.producer import Producer
from tests.chaos.shops import Shop, start_webhook_shop
from worker import bootstrap
from worker.demo.stack import Stack, running
from worker.payouts.errors import StoreError
from worker.payouts.limits import Limits
from worker.processes import COMMANDS, CONSUMERS
from worker.settings import PREFIX, ReceiverSettings, StoreSettings
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger

_TICK_SECONDS = 0.05
_QUIET_SECONDS = 6.0
_REST_SECONDS = 150.0
#: How often one of the new processes is killed, or one of the old ones frozen.
_FAULT_SECONDS = 4.0

_NEW_KEY = Keyring.generate_key()
_OLD = (*CONSUMERS, "beat")
_NEW = tuple(f"{name}2" for name in (*_OLD, "relay"))


@dataclass(frozen=True, slots=True)
class Upgrade:
    """
    What an upgrade is asked for.
    """

    #: The interpreter of the version before.
    old: str
    seconds: float
    seed: int = 1
    database: str = "postgres"
    jobs_per_second: float = 2.0


@dataclass(frozen=True, slots=True)
class Upgraded:
    """
    What became of it.
    """

    made: int
    faults: int
    findings: Findings
    #: Those that ended without being told to.
    ended: Sequence[str]
    #: How many events the producer's web server heard, and what is wrong with them.
    heard: int
    unheard: Sequence[str]

    @property
    def breaches(self) -> tuple[str, ...]:
        """
        Every promise that was not kept.
        """
        ended = (f"{name} ended by itself" for name in self.ended)
        return (*ended, *self.unheard, *self.findings.breaches)


def upgrade(wanted: Upgrade, directory: Path, tell: Callable[[str], None]) -> Upgraded:
    """
    Upgrade a running stack below `directory`, and check what became of all jobs.
    """
    relay = has_relay(wanted.old, directory)
    with (
        running(directory, database=wanted.database, python=wanted.old, relay=relay) as stack,
        _ledger(stack) as ledger,
    ):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        shop = start_webhook_shop(stack, wanted.seed)
        producer = Producer(
            *(stack.broker.url, merchant, ledger, wanted.seed, wanted.jobs_per_second)
        )
        with contextlib.closing(producer):
            course = _Course(stack, producer, shop, wanted)
            course.run(tell)
            tell("waiting for everything to come to rest")
            course.rest(ledger)
        findings = audit(ledger, stack.books(), _limits(stack), producer.jobs)
        heard, unheard = len(shop.heard.all()), [*shop.breaches(ledger)]
        return Upgraded(producer.made, course.faults, findings, course.ended, heard, unheard)


def has_relay(python: str, directory: Path) -> bool:
    """
    Whether the version of an interpreter tells producers of events; asked below `directory`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    asked = [python, "-m", "worker", "relay", "--help"]
    # Not where the tests are: the current folder comes first where modules are looked for.
    return subprocess.run(asked, cwd=directory, capture_output=True, check=False).returncode == 0


class _Course:
    """
    The old version alone, both side by side, the new one alone; load all along.
    """

    def __init__(self, stack: Stack, producer: Producer, shop: Shop, wanted: Upgrade) -> None:
        self._stack = stack
        self._producer = producer
        self._shop = shop
        self._wanted = wanted
        self._dice = random.Random(wanted.seed)
        self._begun = time.monotonic()
        self._frozen: str | None = None
        self._commands: set[str] = set()
        #: What is ended of the old version at the end; its relay too, where it has one.
        self._old = [name for name in (*_OLD, "relay") if name in stack.children]
        self.faults = 0
        self.ended: list[str] = []

    def run(self, tell: Callable[[str], None]) -> None:
        """
        Let the processes change, a quarter of the time each; both run side by side for two.
        """
        stack, quarter = self._stack, self._wanted.seconds / 4
        hear = ("endpoints", "add", self._shop.address, "--private")
        if "relay" in self._old:
            # What is announced before there is an endpoint is told to none.
            self._command(*hear, load=False)
        tell("the old version works alone")
        self._work(quarter)
        tell("the tables are migrated")
        stack.python = sys.executable
        self._command("migrate")
        if "relay" not in self._old:
            self._command(*hear)
        tell("the new version works beside the old one")
        stack.environment["PAYOUTS_KEYRING"] = f"{_NEW_KEY},{stack.environment['PAYOUTS_KEYRING']}"
        stack.start("relay2", "worker", *COMMANDS["relay"][1:])
        for old, new in zip(_OLD, _NEW, strict=False):
            options = ("--schedule", str(stack.directory / new)) if old == "beat" else ()
            named = () if old == "beat" else (f"--hostname={new}@%h",)
            stack.start(new, *COMMANDS[old], *named, *options)
        self._work(quarter, faults=True)
        self._end("receiver")
        bind = stack.receiver_url.removeprefix("http://")
        stack.start("receiver", *COMMANDS["web"], "--bind", bind)
        self._work(quarter, faults=True)
        tell("the old version ends")
        self._thaw()
        for name in self._old:
            self._end(name)
        tell("the keys are rotated")
        # Rows that are being worked on are left, and it says so: to be repeated.
        self._command("keys", "rotate", tries=5)
        self._work(quarter, faults=True)
        tell(f"{self.faults} faults, {self._producer.made} jobs")

    def _command(self, *arguments: str, tries: int = 1, load: bool = True) -> None:
        """
        Run a command of the version that is started now, under load or not, to its end.
        """
        name = arguments[0]
        self._commands.add(name)
        for _ in range(tries):
            child = self._stack.start(name, "worker", *arguments)
            while child.is_alive():
                self._tick(load=load)
            if child.kill() == 0:
                break
        else:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{child.tail()}")
        del self._stack.children[name]
        self._commands.remove(name)

    def rest(self, ledger: SqlLedger) -> None:
        """
        Wait until nothing is under way and all is heard, or give up: the audit tells the rest.
        """
        quiet_since = start = time.monotonic()
        while (now := time.monotonic()) - start < _REST_SECONDS:
            self._tick(load=False)
            with contextlib.suppress(StoreError):
                self._shop.heal(ledger)
                left = unfinished(ledger, self._stack.books(), self._producer.jobs)
                if left or self._producer.kept or self._shop.unheard(ledger):
                    quiet_since = now
            if now - quiet_since > _QUIET_SECONDS:
                return

    def _work(self, seconds: float, *, faults: bool = False) -> None:
        end = time.monotonic() + seconds
        next_fault = time.monotonic() + _FAULT_SECONDS / 4
        while time.monotonic() < end:
            if faults and time.monotonic() > next_fault:
                self._break()
                next_fault = time.monotonic() + _FAULT_SECONDS
            self._tick()

    def _break(self) -> None:
        """
        Kill a new process, which is started again; or freeze an old one for longer than a lease.
        """
        self.faults += 1
        self._thaw()
        old = [name for name in CONSUMERS if name in self._stack.children]
        if old and self._dice.random() < 0.3:
            self._frozen = self._dice.choice(old)
            self._signal(self._frozen, signal.SIGSTOP)
            return
        name = self._dice.choice(_NEW)
        self._stack.kill(name)
        self._stack.start(name)

    def _thaw(self) -> None:
        if self._frozen is not None:
            # Its lease ran out meanwhile, and someone else may have gone on with what it had.
            end = time.monotonic() + LONGER_THAN_A_LEASE - _FAULT_SECONDS
            while time.monotonic() < end:
                self._tick()
            self._signal(self._frozen, signal.SIGCONT)
            self._frozen = None

    def _signal(self, name: str, signum: signal.Signals) -> None:
        os.killpg(self._stack.children[name].pid, signum)

    def _end(self, name: str) -> None:
        child = self._stack.children.pop(name)
        child.send(signal.SIGTERM)
        while child.is_alive():
            self._tick()
        child.stop()

    def _tick(self, *, load: bool = True) -> None:
        for name, child in [*self._stack.children.items()]:
            if name not in self._commands and not child.is_alive():
                self.ended.append(name)
                del self._stack.children[name]
        if load:
            self._producer.make(time.monotonic() - self._begun)
        self._producer.send(time.monotonic())
        # Before the tables are migrated this version cannot read them: the jobs are kept.
        with contextlib.suppress(StoreError):
            self._producer.look()
        time.sleep(_TICK_SECONDS)


@contextlib.contextmanager
def _ledger(stack: Stack) -> Iterator[SqlLedger]:
    """
    The ledger of this version, though the tables are still another's.
    """
    settings = StoreSettings(
        database_url=SecretStr(stack.environment["PAYOUTS_DATABASE_URL"]),
        keyring=SecretStr(f"{_NEW_KEY},{stack.environment['PAYOUTS_KEYRING']}"),
    )
    with bootstrap.database(settings) as database:
        yield database.ledger(bootstrap.keyring(settings))


def _limits(stack: Stack) -> Limits:
    given = {name.removeprefix(PREFIX).lower(): text for name, text in stack.environment.items()}
    return ReceiverSettings.model_validate(given).limits


@click.command()
@click.option(
    "--from",
    "before",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="An installed checkout of the version before.",
)
@click.option("--minutes", default=2.0, show_default=True, help="How long there is load.")
@click.option("--seed", default=1, show_default=True, help="Decides what is killed and frozen.")
@click.option(
    "--database",
    type=click.Choice(["postgres", "sqlite"]),
    default="postgres",
    show_default=True,
)
def main(*, before: Path, minutes: float, seed: int, database: str) -> None:
    """
    Upgrade a stack from another version under load, and check every promise afterwards.
    """
    wanted = Upgrade(str(before / ".venv" / "bin" / "python"), minutes * 60, seed, database)
    with tempfile.TemporaryDirectory(prefix="payouts-upgrade-") as folder:
        found = upgrade(wanted, Path(folder), click.echo)
    books = found.findings.books
    click.echo(
        f"{found.made} jobs, {len(found.findings.payouts)} payouts, {found.faults} faults;"
        f" {books['debits']} debits; {found.heard} events heard; {len(found.breaches)} breaches"
    )
    for breach in found.breaches:
        click.echo(breach)
    sys.exit(1 if found.breaches else 0)


if __name__ == "__main__":
    main()

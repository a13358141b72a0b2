"""
``python -m tests.chaos.drill --method dump``: a loaded PostgreSQL is backed up, lost, and restored.

Everything is done as the documents ask of an operator, each step is timed, and what was lost is
counted: payouts that the backup lacks, and claims that only the journals knew. Exit 0 if every
promise held, 1 if not.
"""

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
from sqlalchemy import make_url

from tests.acceptance.conftest import open_ledger
from tests.chaos.audit import Findings, audit, unfinished
from tests.chaos.operator import command
from tests.chaos.producer import Producer
from worker.demo.stack import HURRIED, Stack, running
from worker.embedded.children import Child
from worker.embedded.launcher import find_launcher
from worker.embedded.postgres import Postgres
from worker.payouts.errors import StoreError
from worker.settings import PREFIX, ReceiverSettings
from worker.usecases.ports import Ledger

_TICK_SECONDS = 0.05
_PATIENCE = 300.0

#: What a restore leaves running: JD, whose books are the truth.
_STAYS = "sandbox"


@dataclass(slots=True)
class Drill:
    """
    One drill: its steps with their seconds, and what was counted.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    findings: Findings | None = None

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """
        Take the time of what is done within.
        """
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun


class Course:
    """
    A stack on PostgreSQL, under load from a producer that keeps to its rules.
    """

    def __init__(self, stack: Stack, ledger: Ledger, producer: Producer) -> None:
        assert stack.postgres is not None
        self._stack, self._ledger, self._producer = stack, ledger, producer
        self._postgres: Postgres = stack.postgres
        self._backup = stack.directory / "backup"
        self._merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        self._loaded = 0.0

    def run(self, method: str, before: float, after: float, tell: Callable[[str], None]) -> Drill:
        """
        Load for so many seconds before a backup and after it; lose everything; restore.
        """
        made = Drill()
        tell("load, then a backup beside it")
        self._work(before)
        with made.step("backup, under load"):
            self._take(method)
        made.counted["payouts in the backup, about"] = len(self._numbers())
        made.counted["bytes of the backup"] = _size(self._backup)
        tell("load goes on, and the database is lost")
        self._work(after)
        known = self._numbers()
        parts = [name for name in self._stack.children if name != _STAYS]
        for name in parts:
            self._stack.kill(name)
        self._postgres.stop(immediate=True)
        shutil.rmtree(self._postgres.directory / "data")
        with made.step("database put back"):
            self._put_back(method)
        self._until(lambda: self._numbers() is not None)
        made.counted["payouts lost with the database"] = len(known - self._numbers())
        with made.step("payouts restored --journal"):
            told = command(
                *(self._stack, "restored", "--why", "drill"),
                *("--journal", self._stack.environment["PAYOUTS_JOURNAL"]),
            )
        made.counted["unfinished, asked about anew"] = told["in_doubt"]
        made.counted["claims that only the journals knew"] = len(told["journal"]["forgotten"])
        tell("everything starts again")
        self._producer.look_again()
        with made.step("until JD has answered for all, and sending goes on"):
            for name in parts:
                self._stack.start(name)
            self._until(lambda: self._ledger.health(self._merchant).in_doubt == 0)
        with made.step("until each lost job is back, and all is at rest"):
            self._until(self._is_at_rest)
        limits = ReceiverSettings.model_validate(
            {n.removeprefix(PREFIX).lower(): v for n, v in self._stack.environment.items()}
        ).limits
        jobs, books = self._producer.jobs, self._stack.books()
        made.findings = audit(self._ledger, books, limits, jobs, restored=True)
        return made

    def _work(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tick(load=True)

    def _until(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(StoreError):
                if happened():
                    return
            self._tick(load=False)
        raise TimeoutError("the service did not recover")

    def _tick(self, *, load: bool) -> None:
        if load:
            self._loaded += _TICK_SECONDS
            self._producer.make(self._loaded)
        self._producer.send(time.monotonic())
        with contextlib.suppress(StoreError):
            self._producer.look()
        time.sleep(_TICK_SECONDS)

    def _numbers(self) -> set[str]:
        return {payout.out_trade_no for payout in self._ledger.payouts(None, 10_000_000)}

    def _is_at_rest(self) -> bool:
        left = unfinished(self._ledger, self._stack.books(), self._producer.jobs)
        return not left and not self._producer.kept

    def _take(self, method: str) -> None:
        self._backup.mkdir()
        options = {
            "dump": ("pg_dump", "--format=custom", f"--file={self._backup / 'payouts.dump'}"),
            "base": ("pg_basebackup", f"--pgdata={self._backup / 'data'}", "--checkpoint=fast"),
        }
        self._program(*options[method], load=True)

    def _put_back(self, method: str) -> None:
        if method == "base":
            (self._backup / "data").rename(self._postgres.directory / "data")
            self._postgres.start()
            return
        self._postgres.start()
        dump = str(self._backup / "payouts.dump")
        self._program("pg_restore", "--exit-on-error", "--jobs=2", dump, load=False)

    def _program(self, name: str, *options: str, load: bool) -> None:
        """
        Run one of PostgreSQL's own programs to its end. Raises `RuntimeError` if it fails.
        """
        launcher = find_launcher()
        launcher.hand_over(self._backup)
        url = make_url(self._postgres.url).set(drivername="postgresql")
        argv = [*launcher.command(name, signal.SIGTERM), *options]
        argv.append(f"--dbname={url.render_as_string(hide_password=False)}")
        with Child(argv, log=self._stack.directory / f"{name}.log") as child:
            while child.is_alive():
                self._tick(load=load)
        if child.exit_code != 0:
            raise RuntimeError(f"{name} failed:\n{child.tail()}")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def drill(
    directory: Path,
    method: str,
    rate: float,
    times: tuple[float, float],
    tell: Callable[[str], None],
) -> Drill:
    """
    One drill in a stack of its own below `directory`.
    """
    pace = {"PAYOUTS_SEND_PACE": "1000/s"}
    with (
        running(directory, database="postgres", settings={**HURRIED, **pace}) as stack,
        contextlib.closing(open_ledger(stack)) as ledger,
    ):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        producer = Producer(stack.broker.url, merchant, ledger, 1, rate, restores=True)
        with contextlib.closing(producer):
            return Course(stack, ledger, producer).run(method, *times, tell)


@click.command()
@click.option("--method", type=click.Choice(["dump", "base"]), default="dump", show_default=True)
@click.option("--rate", default=20.0, show_default=True, help="Jobs a second.")
@click.option(
    "--before", default=60.0, show_default=True, help="Seconds of load before the backup."
)
@click.option("--after", default=15.0, show_default=True, help="And between it and the loss.")
def main(*, method: str, rate: float, before: float, after: float) -> None:
    """
    Lose a loaded database and restore it from a backup, and say what that cost.
    """
    with tempfile.TemporaryDirectory(prefix="payouts-drill-") as folder:
        made = drill(Path(folder), method, rate, (before, after), click.echo)
    for name, count in made.counted.items():
        click.echo(f"{count:12,}  {name}")
    for name, seconds in made.seconds.items():
        click.echo(f"{seconds:10.1f} s  {name}")
    assert made.findings is not None
    breaches, books = made.findings.breaches, made.findings.books
    click.echo(f"{books['debits']} debits, {len(breaches)} breaches")
    for breach in breaches:
        click.echo(breach)
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()

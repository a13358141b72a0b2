"""
``python -m tests.chaos``: exit 0 if every promise held, 1 if not.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from tests.acceptance.conftest import open_ledger
from tests.chaos import plan, report
from tests.chaos.course import Outcome, Wanted, run
from tests.chaos.shops import Shops
from tests.database_roles import start_by_role, user_of
from worker.demo.stack import Stack, running


def chaos(wanted: Wanted, directory: Path) -> Outcome:
    """
    Start everything below `directory`, break it, and end it again.
    """
    with (
        _running(wanted, directory) as stack,
        contextlib.closing(open_ledger(stack)) as ledger,
        Shops(stack, ledger, wanted.seed) as shops,
    ):
        return run(stack, ledger, shops, wanted, click.echo)


@contextlib.contextmanager
def _running(wanted: Wanted, directory: Path) -> Iterator[Stack]:
    """
    The stack; on PostgreSQL each process has its role's rights alone, and so have people.
    """
    with running(directory, database=wanted.database, copies=len(plan.BEATS)) as stack:
        if stack.postgres is not None:
            owner = start_by_role(stack)
            people = user_of(owner, "operator").render_as_string(hide_password=False)
            stack.environment["PAYOUTS_DATABASE_URL"] = people
        yield stack


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long faults happen.")
@click.option("--seed", default=1, show_default=True, help="Decides the plan.")
@click.option("--rate", default=2.0, show_default=True, help="Jobs a second.")
@click.option(
    "--database",
    type=click.Choice(["postgres", "sqlite"]),
    default="postgres",
    show_default=True,
    help="What the ledger is on; SQLite's disk is full now and then.",
)
@click.option(
    "--restores", is_flag=True, help="The database goes back now and then; the broker does not."
)
@click.option("--plan", "show_plan", is_flag=True, help="Print the plan, then exit.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Work in this folder, and leave logs and database there.",
)
def main(
    *,
    minutes: float,
    seed: int,
    rate: float,
    database: str,
    restores: bool,
    show_plan: bool,
    keep: Path | None,
) -> None:
    """
    Break the whole product by a seed's plan, and check every promise afterwards.
    """
    if show_plan:
        for fault in plan.make(seed, minutes * 60, database, restores=restores):
            click.echo(fault)
        return
    with _folder(keep) as directory:
        outcome = chaos(Wanted(seed, minutes * 60, rate, database, restores), directory)
    for line in report.lines(outcome):
        click.echo(line)
    sys.exit(1 if outcome.breaches else 0)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="payouts-chaos-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()

"""
``python -m tests.bench``: exit 0 if every benchmark came to figures, 1 if not.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from tests.bench import running, table
from tests.bench.checkout import Checkout
from tests.bench.errors import CannotMeasure
from tests.bench.running import BENCHMARKS
from tests.bench.wanted import SMALLEST, Wanted

_LARGE_ROWS, _LARGE_AUDIT = 1_000_000, 20_000


def _sizes(value: str | None) -> tuple[int, ...]:
    sizes = value.split(",") if value else []
    # A sweep takes what is due, so a table has to hold that and more.
    if not all(size.isdecimal() and int(size) >= SMALLEST.rows[0] for size in sizes):
        raise click.BadParameter(f"write numbers of at least {SMALLEST.rows[0]}, commas between")
    return tuple(map(int, sizes))


@click.command()
@click.option("--only", multiple=True, type=click.Choice(BENCHMARKS), help="Run only these.")
@click.option("--rounds", type=click.IntRange(min=1), help="How often each is measured.")
@click.option("--payouts", type=click.IntRange(min=1), help="Payouts a round, where it is free.")
@click.option(
    "--database",
    type=click.Choice(["postgres", "sqlite"]),
    help="Measure on one database; on both by default.",
)
@click.option(
    "--sizes",
    callback=lambda _context, _option, value: _sizes(value),
    help="Sweep and audit tables of so many rows, as 10000,10000000.",
)
@click.option(
    "--held", type=click.FloatRange(min=1), help="Hold a snapshot open for so many seconds."
)
@click.option(
    "--follow-ups", type=click.IntRange(min=2), help="Ask so many questions, 100,000 an hour."
)
@click.option("--killed", type=click.IntRange(min=2), help="Kill all with so many in flight.")
@click.option("--lease", type=click.FloatRange(min=5), help="They are owned for so many seconds.")
@click.option("--large", is_flag=True, help="Sweep a million rows too, and audit more payouts.")
@click.option("--smallest", is_flag=True, help="See that everything runs; the figures say nothing.")
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path, file_okay=False),
    help="Measure another installed checkout in turns: database, cpu, throughput, slow_gateway.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def main(
    *,
    only: tuple[str, ...],
    rounds: int | None,
    payouts: int | None,
    database: str | None,
    sizes: tuple[int, ...],
    held: float | None,
    follow_ups: int | None,
    killed: int | None,
    lease: float | None,
    large: bool,
    smallest: bool,
    against: Path | None,
    as_json: bool,
) -> None:
    """
    Measure the product beside what bounds it; compare the ratios of one run only.
    """
    wanted = SMALLEST if smallest else Wanted()
    wanted = replace(
        wanted,
        rounds=rounds or wanted.rounds,
        payouts=payouts or wanted.payouts,
        databases=(database,) if database else wanted.databases,
        rows=sizes or wanted.rows,
        audited=sizes or wanted.audited,
        held=held or wanted.held,
        follow_ups=follow_ups or wanted.follow_ups,
        killed=killed or wanted.killed,
        lease=lease or wanted.lease,
    )
    if large:
        rows = (*wanted.rows, _LARGE_ROWS)
        wanted = replace(wanted, rows=rows, audited=(_LARGE_AUDIT,))
    if against:
        try:
            wanted = replace(wanted, against=Checkout.other(against))
        except CannotMeasure as fault:
            raise click.ClickException(str(fault)) from fault
    names = [name for name in BENCHMARKS if not only or name in only]
    document = running.run(names, wanted, lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        console = Console()
        for part in table.tables(document):
            console.print(part)
    sys.exit(1 if document["failed"] else 0)


if __name__ == "__main__":
    main()

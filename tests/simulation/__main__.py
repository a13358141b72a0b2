"""
The simulation as a command: ``python -m tests.simulation --seeds 10000``.
"""

import os
import sys
import time

import click

from tests.simulation.plants import PLANTS
from tests.simulation.running import Tally, run_many, run_one

_SHOWN = 20


@click.command()
@click.option("--seeds", default=1000, show_default=True, help="How many to run.")
@click.option("--start", default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="Replay this one alone, with its story.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--plant", type=click.Choice(list(PLANTS)), help="Plant a bug first.")
def main(seeds: int, start: int, seed: int | None, jobs: int, plant: str | None) -> None:
    """
    Run worlds of workers, crashes and lost messages over the real service; check every promise.
    """
    if seed is not None:
        sys.exit(_replay(seed, plant))
    begun = shown = time.monotonic()
    total = Tally()
    for tally in run_many(range(start, start + seeds), jobs, plant):
        total.merge(tally)
        now = time.monotonic()
        if now - shown > 5:
            shown = now
            click.echo(f"{total.seeds:,} of {seeds:,} seeds, {total.seeds / (now - begun):.0f}/s")
    _report(total, time.monotonic() - begun)
    for failed in sorted(total.faults)[:_SHOWN]:
        click.echo(f"\nseed {failed}: {total.faults[failed]}")
    if total.faults:
        click.echo(f"\n{len(total.faults)} seeds failed. The story of the first:\n")
        sys.exit(_replay(min(total.faults), plant))


def _report(total: Tally, seconds: float) -> None:
    click.echo(
        f"{total.seeds:,} seeds in {seconds:.0f} s ({total.seeds / seconds:.0f}/s), "
        f"{total.effects:,} effects, {total.payouts:,} payouts, {total.resends:,} resends"
    )
    for name, counts in (("ends", total.ends), ("faults", total.struck)):
        listed = ", ".join(f"{kind} {times:,}" for kind, times in counts.most_common())
        click.echo(f"{name}: {listed}")


def _replay(seed: int, plant: str | None) -> int:
    outcome = run_one(seed, plant, tells=True)
    for line in outcome.story:
        click.echo(line)
    click.echo(f"\nseed {seed}: {outcome.fault or 'every promise was kept'}")
    if outcome.fault:
        with_plant = f" --plant {plant}" if plant else ""
        click.echo(f"again: python -m tests.simulation --seed {seed}{with_plant}")
    return 1 if outcome.fault else 0


if __name__ == "__main__":
    main()

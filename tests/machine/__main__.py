"""
The machine as a command: ``python -m tests.machine --examples 10000``.
"""

import sys
import time
import traceback

import click

from tests.machine.running import STEP_COUNT, any_seed, bounded, lines, run
from tests.simulation.plants import PLANTS


@click.command()
@click.option("--examples", default=1000, show_default=True, help="How many stories to tell.")
@click.option("--steps", default=STEP_COUNT, show_default=True, help="The longest of them.")
@click.option("--seed", type=int, help="Decides all of them; without it, one is drawn.")
@click.option("--plant", type=click.Choice(list(PLANTS)), help="Plant a bug first.")
def main(examples: int, steps: int, seed: int | None, plant: str | None) -> None:
    """
    Do everything to the service that may happen to it; check every promise after each rule.
    """
    drawn_from = any_seed() if seed is None else seed
    begun = time.monotonic()
    fault: Exception | None = None
    try:
        run(bounded(examples, steps, derandomize=False), plant, drawn_from)
    except Exception as error:  # noqa: BLE001 (whatever it is, the machine has found it)
        fault = error
    for line in lines():
        click.echo(line)
    seconds = time.monotonic() - begun
    click.echo(f"{examples:,} examples of {steps} steps, seed {drawn_from}, {seconds:.0f} s")
    if fault is None:
        click.echo("every promise was kept")
        return
    click.echo("".join(traceback.format_exception(fault)))
    again = f"--examples {examples} --steps {steps} --seed {drawn_from}"
    with_plant = f" --plant {plant}" if plant else ""
    click.echo(f"again: python -m tests.machine {again}{with_plant}")
    sys.exit(1)


if __name__ == "__main__":
    main()

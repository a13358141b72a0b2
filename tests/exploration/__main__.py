"""
The exploration as a command: ``python -m tests.exploration --minutes 60``.
"""

import logging
import sys
from collections.abc import Iterator
from itertools import islice

import click

from tests.exploration.alphabets import ALPHABETS
from tests.exploration.plants import PLANTS, planted
from tests.exploration.search import Explored, explore

#: So many breaches of an alphabet are printed.
_SHOWN = 4


@click.command()
@click.option("--minutes", default=5.0, show_default=True, help="For all alphabets together.")
@click.option(
    "--depth", default=250, help="The longest histories.  [default: what the time allows]"
)
@click.option(
    "--alphabet", "names", multiple=True, type=click.Choice(list(ALPHABETS)), help="This one only."
)
@click.option("--letters", is_flag=True, help="Print the alphabets, then exit.")
@click.option("--plant", type=click.Choice(list(PLANTS)), help="Plant a bug first.")
def main(
    minutes: float, depth: int, names: tuple[str, ...], letters: bool, plant: str | None
) -> None:
    """
    Tell every short history of each alphabet to the real use cases, the shortest first.
    """
    logging.disable(logging.CRITICAL)
    wanted = [ALPHABETS[name] for name in names or ALPHABETS]
    broken = False
    for alphabet in wanted:
        if letters:
            click.echo(f"{alphabet.name}: " + "; ".join(one.name for one in alphabet.letters))
            continue
        with planted(plant):
            found = explore(alphabet, depth, minutes * 60 / len(wanted))
        for line in report(found):
            click.echo(line)
        broken |= bool(found.broken)
    sys.exit(broken)


def report(found: Explored) -> Iterator[str]:
    """
    What a search saw, in lines.
    """
    whole = len(found.states) - 1 if found.is_complete else len(found.states) - 2
    by_length = ", ".join(f"{states:,}" for states in found.states)
    jd = "honest" if found.alphabet.is_honest else "contradicts itself"
    yield (
        f"{found.alphabet.name}: {len(found.alphabet.letters)} letters, JD {jd};"
        f" {sum(found.states):,} states ({by_length}), every history of {whole} letters;"
        f" {found.steps:,} steps, {found.seconds:.0f} s"
    )
    for breach, path in islice(found.broken.items(), _SHOWN):
        yield f"  BROKEN: {breach.promise}"
        yield f"    {breach.detail}"
        yield f"    {' / '.join(found.spelt(path))}"
    if len(found.broken) > _SHOWN:
        yield f"  and {len(found.broken) - _SHOWN} breaches more, with other words or longer"


if __name__ == "__main__":
    main()

"""
The guards on trial, as a command: ``python -m tests.mutants``.
"""

import sys
import time
from collections.abc import Sequence

import click

from tests.mutants.guard import Guard
from tests.mutants.table import GUARDS
from tests.mutants.trial import Unfit, Verdict, judge


@click.command()
@click.option("--jobs", default=2, show_default=True, help="How many at a time.")
@click.option("--only", multiple=True, metavar="NAME", help="This one; may be repeated.")
@click.option("--list", "lists", is_flag=True, help="Name the guards and why each is there.")
def main(jobs: int, only: tuple[str, ...], lists: bool) -> None:
    """
    Take away, one at a time, each guard that money depends on: some test must fail.
    """
    unknown = set(only) - {guard.name for guard in GUARDS}
    if unknown:
        raise click.UsageError(f"no guard is called {', '.join(sorted(unknown))}")
    guards = [guard for guard in GUARDS if not only or guard.name in only]
    if lists:
        for guard in guards:
            click.echo(f"{guard.name}: {guard.why}")
        return
    sys.exit(try_all(guards, jobs))


def try_all(guards: Sequence[Guard], jobs: int) -> int:
    """
    Put guards on trial and print what became of each; return the exit code.
    """
    begun = time.monotonic()
    click.echo(f"{len(guards)} guards; first their tests with every guard in place")
    verdicts: list[Verdict] = []
    try:
        for verdict in judge(guards, jobs):
            verdicts.append(verdict)
            click.echo(_progress(len(verdicts), len(guards), verdict))
    except Unfit as error:
        click.echo(str(error))
        return 1
    held = sum(bool(verdict.caught_by) for verdict in verdicts)
    found = {verdict.guard.name: verdict for verdict in verdicts}
    width = max(len(guard.name) for guard in guards)
    click.echo(f"\n{'guard':{width}}  caught by")
    for guard in guards:
        verdict = found[guard.name]
        click.echo(f"{guard.name:{width}}  {verdict.caught_by or verdict.trouble.upper()}")
    seconds = time.monotonic() - begun
    click.echo(f"\n{held} of {len(guards)} guards are held by a test ({seconds:.0f} s)")
    return 0 if held == len(guards) else 1


def _progress(number: int, total: int, verdict: Verdict) -> str:
    told = " ".join((verdict.fault or verdict.trouble).split())
    return f"{number:3}/{total} {verdict.seconds:4.1f} s  {verdict.guard.name}: {told[:90]}"


if __name__ == "__main__":
    main()

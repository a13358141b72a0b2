"""
`payouts producers limit`: what an application may have sent without a person's look.
"""

import click

from worker.cli.controls import page
from worker.cli.operator import controller
from worker.cli.output import Page, answering
from worker.views import controls as views

#: By the names of the options.
_LIMITS = {"largest-fen": "largest_fen", "day-fen": "day_fen", "new-payees": "new_payees"}
_AT_LEAST = click.IntRange(min=0)


@click.command()
@click.argument("name")
@click.option("--largest-fen", type=_AT_LEAST, help="The largest amount of one payout.")
@click.option("--day-fen", type=_AT_LEAST, help="The sum of a day in Beijing.")
@click.option("--new-payees", type=_AT_LEAST, help="Payees in a day to whom it never paid before.")
@click.option("--lift", type=click.Choice([*_LIMITS]), multiple=True, help="Have no such limit.")
@click.option("--why", help="The reason, for the record; needed to change anything.")
@answering
def limit(
    name: str,
    largest_fen: int | None,
    day_fen: int | None,
    new_payees: int | None,
    lift: tuple[str, ...],
    why: str | None,
) -> Page:
    """
    Show, set or lift an application's limits; what exceeds one is held for a person.

    To lower one takes one person; to raise or lift one takes two, outside the sandbox.
    """
    given = {"largest_fen": largest_fen, "day_fen": day_fen, "new_payees": new_payees}
    changes: dict[str, int | None] = {n: value for n, value in given.items() if value is not None}
    changes |= dict.fromkeys((_LIMITS[one] for one in lift), None)
    if not changes:
        found = controller().limits(name)
        return Page({"name": name, "limits": views.limits(found)}, views.in_words(found))
    if why is None or not why.strip() or not why.strip().isprintable():
        raise click.UsageError("--why: give a reason in one line: someone will read it at night")
    return page(controller().limit(name, changes, why.strip()))

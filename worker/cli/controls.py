"""
`payouts controls`: what people change of limits and the deny list, and who lets it count.
"""

import click

from worker import bootstrap
from worker.cli.operator import controller, why
from worker.cli.output import Page, answering, table
from worker.payouts.control_change import ControlChange
from worker.views import controls as views
from worker.views.tables import Column

_COLUMNS = (
    Column("id"),
    Column("what", folds=20),
    Column("why", folds=12),
    Column("wanted", gives_way=2),
    Column("by", folds=8),
    Column("became", folds=12),
)


def page(change: ControlChange) -> Page:
    """
    What somebody wants changed.
    """
    return Page({"change": views.change(change)}, views.told(change))


@click.group()
def controls() -> None:
    """
    List, approve and decline what people change of limits and the deny list.
    """


@controls.command("list")
@click.option("--all", "ended_too", is_flag=True, help="Those in force and void ones as well.")
@answering
def list_(*, ended_too: bool) -> Page:
    """
    List the changes that wait for another person, newest first.
    """
    found = [change for change in bootstrap.ledger().control_changes() if ended_too or change.waits]
    rows = [
        (
            *(one.id, views.what(one), one.change.why, one.proposed_at),
            *(one.proposed_by.who, views.became(one)),
        )
        for one in found
    ]
    return Page({"changes": [views.change(one) for one in found]}, table(_COLUMNS, rows))


@controls.command()
@click.argument("change_id", metavar="ID", type=int)
@answering
def approve(change_id: int) -> Page:
    """
    Let another person's change come into force.
    """
    return page(controller().approve(change_id))


@controls.command()
@click.argument("change_id", metavar="ID", type=int)
@why
@answering
def decline(change_id: int, why: str) -> Page:
    """
    Let what was wanted count no more.
    """
    change = controller().decline(change_id, why)
    return Page({"change": views.change(change)}, f"change {change_id} is void")


@controls.command()
@why
@answering
def confirm(why: str) -> Page:
    """
    Let the records count as they stand, though someone wrote to the database beside us.

    Until then nothing is sent. Compare `payouts controls list --all` with what was agreed first.
    What waits is void. Takes two people outside the sandbox.
    """
    return page(controller().confirm(why))

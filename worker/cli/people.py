"""
`payouts people`: the users of the operating system who may decide about money in pairs.
"""

import click

from worker import bootstrap, os_user
from worker.cli.operator import decider, one_line, why
from worker.cli.output import Page, answering, table
from worker.views import documents
from worker.views.formats import shown
from worker.views.tables import Column


@click.group()
def people() -> None:
    """
    List, add and remove the users who may decide with another person.
    """


@people.command("list")
@answering
def list_() -> Page:
    """
    List them, by uid. Root and whom a worker runs as propose, and never approve.
    """
    ledger = bootstrap.ledger()
    found, services = ledger.registered(), sorted(ledger.register().services)
    rows = [(m.uid, m.name, m.added_at, m.added_by, m.added_why) for m in found]
    columns = (Column("uid"), Column("name"), Column("since", gives_way=1), "by", "why")
    document: dict[str, object] = {
        "people": [documents.registered(m) for m in found],
        "services": services,
    }
    return Page(document, table(columns, rows))


@people.command()
@click.argument("uid", type=click.IntRange(min=0))
@click.option(
    "--name", callback=one_line, help="What people call them; as the system does if left out."
)
@why
@answering
def add(uid: int, name: str | None, why: str) -> Page:
    """
    Let a user of the operating system decide with another person.
    """
    called = name or os_user.name_of(uid)
    decider().add(uid, called, why)
    return Page(
        {"uid": uid, "name": called}, f"uid {uid} ({shown(called)}) may decide with another"
    )


@people.command()
@click.argument("uid", type=click.IntRange(min=0))
@why
@answering
def remove(uid: int, why: str) -> Page:
    """
    Let a user decide no more. What they decided remains.
    """
    decider().remove(uid, why)
    return Page({"uid": uid}, f"uid {uid} decides no more")

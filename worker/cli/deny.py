"""
`payouts deny`: payees to whom nothing is sent.
"""

from typing import BinaryIO

import click

from worker import bootstrap
from worker.cli.controls import page
from worker.cli.operator import controller, why
from worker.cli.output import Page, answering, table
from worker.intake import fields
from worker.payouts.policy.control_changes import denials
from worker.views import controls as views
from worker.views.tables import Column


@click.group()
def deny() -> None:
    """
    List, add and remove payees to whom nothing is sent.
    """


@deny.command("list")
@answering
def list_() -> Page:
    """
    List the entries, oldest first. Of an account number the ends are shown.
    """
    found = denials(bootstrap.ledger().control_changes())
    rows = [
        (one.id, one.payee_masked, one.approved_at, one.proposed_by.who, one.change.why)
        for one in found
    ]
    columns = (Column("id"), Column("payee"), Column("since", gives_way=1), "by", "why")
    return Page({"denied": [views.change(one) for one in found]}, table(columns, rows))


@deny.command()
@click.argument("file", type=click.File("rb"))
@why
@answering
def add(file: BinaryIO, why: str) -> Page:
    """
    Deny the account number in FILE; - is standard input. Its payouts are held, sent ones are not.

    A command's own words are seen by everyone on the machine, so the number is not one of them.
    """
    try:
        account_no = fields.account_no(file.read().decode("ascii", "replace").strip())
    except ValueError as error:
        raise click.UsageError(f"the account number {error}") from None
    return page(controller().deny(account_no, why))


@deny.command()
@click.argument("entry_id", metavar="ID", type=int)
@why
@answering
def remove(entry_id: int, why: str) -> Page:
    """
    Let an entry hold nothing any more; what it held waits for `payouts let-go`.

    Takes two people outside the sandbox.
    """
    return page(controller().allow(entry_id, why))

"""
`payouts keys`: which keys seal payee data, and how one takes the place of another.
"""

import click
from rich.console import Console
from rich.progress import Progress

from worker import bootstrap, os_user
from worker.cli.output import Page, answering, table
from worker.payouts.sealing_key import SealingKey
from worker.usecases.keys import rotate as rotate_key
from worker.views import documents
from worker.views.formats import cell, counted
from worker.views.tables import Column


@click.group()
def keys() -> None:
    """
    List the keys of PAYOUTS_KEYRING by their public ids, rotate them, and retire old ones.
    """


@keys.command("list")
@answering
def list_() -> Page:
    """
    List them, the newest of the keyring first, with how many contents each still seals.

    It counts all that is sealed, which takes a while in a large database.
    """
    found = bootstrap.ledger().sealing_keys()
    rows = [(k.id or "(none)", k.seals, _state(k), k.begun_at, k.begun_by) for k in found]
    columns = (
        Column("key"),
        Column("seals"),
        "",
        Column("since", gives_way=1),
        Column("by", gives_way=2),
    )
    return Page({"keys": [documents.sealing_key(k) for k in found]}, table(columns, rows))


@keys.command()
@answering
def rotate() -> Page:
    """
    Seal with the newest key of PAYOUTS_KEYRING from now on, and seal all else anew with it.

    First put a new key (`payouts keygen`) in front of the others, everywhere, and restart every
    process: from now on those that lack it cannot read what is sealed. Safe to end and to repeat;
    workers go on beside it. Older versions of the program do not start any more.
    """
    ledger = bootstrap.ledger()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=None)
        found = rotate_key(
            ledger,
            os_user.current().who,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    told = f"{counted(found.rows, 'row')} sealed anew; the key {found.key_id} seals from now on"
    failure = None
    if found.left:
        failure = (
            f"{counted(found.left, 'row')} left: they are being worked on, or no key opens them;"
            " repeat it, and see `payouts keys list`"
        )
    document: dict[str, object] = {"key": found.key_id, "rows": found.rows, "left": found.left}
    return Page(document, told, failure)


@keys.command()
@click.argument("key_id", metavar="KEY")
@answering
def retire(key_id: str) -> Page:
    """
    Say that nothing needs a key any more, so that it may be taken out of PAYOUTS_KEYRING.

    Refused while anything in the database is sealed with it. Journals of claims may need it as long
    as they are kept: keep it apart until then.
    """
    bootstrap.ledger().retire_key(key_id, os_user.current().who)
    return Page({"key": key_id}, f"the key {key_id} is retired: take it out of PAYOUTS_KEYRING")


def _state(key: SealingKey) -> str:
    if key.id is None:
        return "sealed by an older version: `payouts keys rotate` seals them anew"
    if key.retired_at is not None:
        where = "still in the keyring" if key.is_here else ""
        return f"retired {cell(key.retired_at)} {where}".strip()
    if key.is_current:
        return "seals what is new"
    if not key.is_here:
        return "not in the keyring"
    return "opens what it sealed" if key.begun_at else "not used yet"

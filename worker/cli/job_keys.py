"""
`payouts producers keys`: the keys by which applications seal their jobs.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from worker import bootstrap, os_user
from worker.cli.operator import why
from worker.cli.output import Page, answering, table
from worker.intake import key_files
from worker.payouts.job_keys import JobKey
from worker.settings import MerchantSettings
from worker.usecases.job_keys import KeyRegistrar
from worker.views import documents
from worker.views.formats import cell
from worker.views.tables import Column


@click.group()
def keys() -> None:
    """
    Make, list, approve and retire the keys by which applications seal their jobs.
    """


@keys.command()
@click.argument("producer")
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to make, with what the application needs.",
)
@click.option("--signing", is_flag=True, help="A pair of keys: we keep no secret of it.")
@click.option(
    "--public", "brought", type=click.File("rb"), help="The JWK of a pair that it made itself."
)
@answering
def add(producer: str, path: Path, brought: BinaryIO | None, *, signing: bool) -> Page:
    """
    Make a key for an application, as a file that only you may read: hand it over safely.

    Without an option it is a secret that the application shares with this installation. A key that
    takes the place of another works beside it until that is retired. In the live profile it counts
    once another person approves it.
    """
    settings = MerchantSettings.load()
    for_whom = settings.customer_no, settings.profile.value
    public = None if brought is None else key_files.read_public(brought.read())
    with _new_file(path) as file:
        at_work = _registrar()
        if public is not None:
            key = at_work.add_signing(producer, public)
            content = key_files.public(key, at_work.own(), *for_whom)
        elif signing:
            secret = secrets.token_bytes(32)
            key = at_work.add_signing(producer, key_files.public_half(secret))
            content = key_files.signing(key, secret, at_work.own(), *for_whom)
        else:
            key = at_work.add_shared(producer)
            content = key_files.shared(key, *for_whom)
        file.write(content.encode())
    told = f"{key.name} is in {path}"
    if not key.is_good:
        told += f"; it counts once another person does `payouts producers keys approve {key.name}`"
    return Page({**documents.job_key(key), "file": str(path)}, told)


@keys.command("list")
@click.option("--producer", help="Only its keys.")
@answering
def list_(producer: str | None) -> Page:
    """
    List keys, oldest first, with what they are worth; never the secrets.
    """
    found = bootstrap.ledger().job_keys(producer)
    rows = [
        (k.name, k.kind, _state(k), k.added_at, k.added_by.who, k.approved_by and k.approved_by.who)
        for k in found
    ]
    columns = (
        Column("key"),
        Column("kind"),
        "",
        Column("since", gives_way=1),
        Column("by", gives_way=3),
        Column("approved by", gives_way=2),
    )
    return Page({"keys": [documents.job_key(k) for k in found]}, table(columns, rows))


@keys.command()
@click.argument("key")
@answering
def approve(key: str) -> Page:
    """
    Let a key count that another person made.
    """
    found = _registrar().approve(key)
    return Page(documents.job_key(found), f"{found.name} counts from now on")


@keys.command()
@click.argument("key")
@why
@answering
def retire(key: str, why: str) -> Page:
    """
    Let a key open no new job, from now on. What it brought before goes on.
    """
    found = _registrar().retire(key, why)
    return Page(documents.job_key(found), f"{found.name} is retired")


def _registrar() -> KeyRegistrar:
    return bootstrap.key_registrar(os_user.current())


def _state(key: JobKey) -> str:
    if not key.is_intact:
        return "not what was registered: somebody wrote to the database beside us"
    if key.retired_at is not None:
        return f"retired {cell(key.retired_at)}: {key.retired_why}"
    return "" if key.is_good else "waits for another person's approval"


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """
    A file that nobody else may read; gone again if nothing comes of it.
    """
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.BadParameter(f"{path} is there already: name a new file") from None
    except OSError as fault:
        raise click.BadParameter(f"{path} cannot be made: {fault.strerror}") from None
    with contextlib.ExitStack() as unless_written:
        unless_written.callback(path.unlink)
        with os.fdopen(made, "wb") as file:
            yield file
        unless_written.pop_all()

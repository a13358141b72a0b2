"""
`payouts tokens`: the secrets by which applications show the HTTP API who they are.
"""

from datetime import timedelta

import click

from worker import bootstrap
from worker.cli.operator import one_line, registrar, why
from worker.cli.output import Page, answering, table
from worker.payouts.durations import parse_duration
from worker.payouts.producers import Scope
from worker.views import documents
from worker.views.formats import cell
from worker.views.tables import Column

#: A token that is to last longer may as well never expire.
_LONGEST = timedelta(days=3650)


def _lasting(_ctx: click.Context, _param: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        lasting = parse_duration(text)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None
    if not timedelta(0) < lasting <= _LONGEST:
        raise click.BadParameter("a token lasts for some time, and for 3650d at most")
    return lasting


@click.group()
def tokens() -> None:
    """
    Issue, list and revoke the tokens of applications.
    """


@tokens.command()
@click.argument("producer")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="accept: to hand payouts over and withdraw them; read: to look at its own.",
)
@click.option("--name", callback=one_line, help="What people call it.")
@click.option("--expires-in", callback=_lasting, help="As 90d; without it, never.")
@answering
def issue(producer: str, scope: str, name: str | None, expires_in: timedelta | None) -> Page:
    """
    Make a token and print it, this once: nobody can read it again.
    """
    token, secret = registrar().issue(producer, Scope(scope), name or "", expires_in)
    return Page({**documents.token(token), "token": secret}, secret)


@tokens.command("list")
@click.option("--producer", help="Only its tokens.")
@answering
def list_(producer: str | None) -> Page:
    """
    List tokens, oldest first, with what ended them; never the secrets.
    """
    found = bootstrap.ledger().tokens(producer)
    rows = [
        (
            *(t.id, t.producer, t.scope, t.name, t.issued_at, t.issued_by),
            *(t.expires_at, f"{cell(t.revoked_at)}: {t.revoked_why}" if t.revoked_at else None),
        )
        for t in found
    ]
    columns = (
        Column("id"),
        Column("producer"),
        Column("scope"),
        "name",
        Column("issued", gives_way=1),
        Column("by", gives_way=2),
        Column("expires"),
        "revoked",
    )
    return Page({"tokens": [documents.token(t) for t in found]}, table(columns, rows))


@tokens.command()
@click.argument("token_id", type=int)
@why
@answering
def revoke(token_id: int, why: str) -> Page:
    """
    Let a token be good for nothing, from now on.
    """
    token = registrar().revoke(token_id, why)
    return Page(documents.token(token), f"token {token.id} of {token.producer} is revoked")

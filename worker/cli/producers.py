"""
`payouts producers`: the applications that have payouts made.
"""

import click

from worker import bootstrap
from worker.cli import job_keys, limits
from worker.cli.operator import registrar, why
from worker.cli.output import Page, answering, table
from worker.payouts.control_change import Controls, ProducerLimits
from worker.payouts.errors import SealError
from worker.views import controls as views
from worker.views import documents
from worker.views.tables import Column


@click.group()
def producers() -> None:
    """
    List, add and disable the applications that have payouts made.
    """


producers.add_command(job_keys.keys)
producers.add_command(limits.limit)


@producers.command("list")
@answering
def list_() -> Page:
    """
    List them, by name, disabled ones too.
    """
    ledger = bootstrap.ledger()
    found, limited, failure = ledger.producers(), Controls().limits, None
    try:
        limited = ledger.controls().limits
    except SealError:
        failure = "the limits are not what was written: see `payouts controls list --all`"
    rows = [
        (
            *(p.name, p.added_at, p.added_by, p.disabled_at, p.disabled_why),
            views.in_words(limited[p.name]) if p.name in limited else None,
        )
        for p in found
    ]
    columns = (
        Column("name"),
        Column("since", gives_way=1),
        Column("by", gives_way=2),
        Column("disabled"),
        "why",
        Column("limits", folds=12),
    )
    document: dict[str, object] = {
        "producers": [
            documents.producer(p) | {"limits": views.limits(limited.get(p.name, ProducerLimits()))}
            for p in found
        ]
    }
    return Page(document, table(columns, rows), failure)


@producers.command()
@click.argument("name")
@answering
def add(name: str) -> Page:
    """
    Register an application. `payouts producers keys add` then makes it a key.
    """
    registrar().add(name)
    return Page(
        {"name": name},
        f"{name} is a producer; `payouts producers keys add {name} --to FILE` goes on",
    )


@producers.command()
@click.argument("name")
@why
@answering
def disable(name: str, why: str) -> Page:
    """
    End all tokens and keys of an application, for good.

    Its payouts go on, and its endpoints hear of them.
    """
    registrar().disable(name, why)
    told = f"{name} is disabled: none of its tokens and keys is good for anything"
    for endpoint in bootstrap.ledger().endpoints():
        if endpoint.producer == name and endpoint.disabled_at is None:
            told += (
                f"\n{endpoint.address} is still told of its payouts:"
                f" `payouts endpoints disable {endpoint.id}` ends that"
            )
    return Page({"name": name}, told)

"""
`payouts replace`: another payout for the obligation of one that provably was not paid.
"""

from typing import BinaryIO

import click
from rich.text import Text

from worker import bootstrap
from worker.cli import target
from worker.cli.operator import operator, why
from worker.cli.output import Page, answering
from worker.intake import replacement
from worker.payouts.errors import InvalidJob
from worker.payouts.status import PayoutStatus
from worker.settings import AcceptanceSettings
from worker.views import documents, texts


@click.command()
@click.argument("number")
@click.argument("file", type=click.File("rb"))
@why
@answering
def replace(number: str, file: BinaryIO, why: str) -> Page:
    """
    Free a payout's obligation and have the job in FILE pay it instead; - is standard input.

    Both happen or neither does. The job needs an order number of its own; after a partial return
    it pays at most what came back.
    """
    settings = AcceptanceSettings.load()
    bootstrap.refuse_real_money(settings)
    payout = bootstrap.ledger().dossier(target.payout_id(number)).payout
    try:
        done = replacement.replace(
            operator(),
            payout,
            file.read(),
            settings.terms,
            why,
            settings.review_list,
            duplicates_within=settings.duplicates_within,
        )
    except InvalidJob as error:
        failure = "nothing was done: the job cannot replace it"
        refused: dict[str, object] = {"error": failure, "faults": list(error.faults)}
        return Page(refused, failure="\n  ".join([failure, *error.faults]))
    new = done.replacement
    assert new is not None
    document: dict[str, object] = {
        "payout": documents.payout(done.payout),
        "replaced_by": documents.payout(new),
        "decision": documents.decision(done.decision),
    }
    told = f"{new.out_trade_no}, payout {new.id}, pays instead of {payout.out_trade_no}"
    if new.status is PayoutStatus.HELD:
        told += f"; {texts.HELD}"
    return Page(document, Text(told))

"""
`payouts pause`, `payouts resume` and `payouts channel`: whether anything is sent.

A pause takes effect with the next claim and changes no payout; queries and notifications go on.
"""

import click

from worker import bootstrap
from worker.cli.operator import operator, why
from worker.cli.output import Page, answering
from worker.settings import ReceiverSettings
from worker.views import documents, texts


@click.command()
@answering
def channel() -> Page:
    """
    Show whether payouts are being sent, and if not, who stopped them and why.
    """
    return _page(ReceiverSettings.load().customer_no)


@click.command()
@why
@answering
def pause(why: str) -> Page:
    """
    Stop sending payouts, resends included. Queries and notifications go on.
    """
    merchant = ReceiverSettings.load().customer_no
    operator().pause(merchant, why)
    return _page(merchant)


@click.command()
@why
@answering
def resume(why: str) -> Page:
    """
    Let payouts be sent again.
    """
    merchant = ReceiverSettings.load().customer_no
    operator().resume(merchant, why)
    return _page(merchant)


def _page(merchant: str) -> Page:
    ledger = bootstrap.ledger()
    found = ledger.channel(merchant)
    return Page(documents.channel(found), texts.channel(found, ledger.now()))

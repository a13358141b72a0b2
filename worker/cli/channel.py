"""
`payouts pause`, `payouts resume` and `payouts channel`: whether anything is sent.

A pause takes effect with the next claim and changes no payout; queries and notifications go on.
"""

import click

from worker import bootstrap
from worker.cli.operator import operator, why
from worker.cli.output import Page, answering
from worker.cli.sending import look_up
from worker.settings import ReceiverSettings
from worker.views import documents
from worker.views.advice import sending


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
    found = look_up(bootstrap.ledger(), merchant)
    return Page(documents.sending(found), sending(found))

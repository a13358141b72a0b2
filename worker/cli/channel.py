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
from worker.views.advice import paces, sending


@click.command()
@answering
def channel() -> Page:
    """
    Show whether payouts are being sent, how fast, and if not, who stopped them and why.
    """
    return _page(ReceiverSettings.load())


@click.command()
@why
@answering
def pause(why: str) -> Page:
    """
    Stop sending payouts, resends included. Queries and notifications go on.
    """
    settings = ReceiverSettings.load()
    operator().pause(settings.customer_no, why)
    return _page(settings)


@click.command()
@why
@answering
def resume(why: str) -> Page:
    """
    Let payouts be sent again.
    """
    settings = ReceiverSettings.load()
    operator().resume(settings.customer_no, why)
    return _page(settings)


def _page(settings: ReceiverSettings) -> Page:
    found, limits = look_up(bootstrap.ledger(), settings.customer_no), settings.limits
    return Page(documents.sending(found, limits), f"{sending(found)}\n{paces(found, limits)}")

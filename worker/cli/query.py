"""
`payouts query`: ask JD now.
"""

import dataclasses

import click

from worker import service
from worker.cli import target
from worker.cli.output import Page, answering
from worker.cli.show import story


@click.command()
@click.argument("number")
@answering
def query(number: str) -> Page:
    """
    Ask JD now what became of one payout, store the answer, and show where the payout is.
    """
    payout_id = target.payout_id(number)
    answered = service.querier().query(payout_id)
    page = story(payout_id)
    return dataclasses.replace(
        page,
        document={**page.document, "answered": answered},
        failure=None if answered else _UNANSWERED,
    )


_UNANSWERED = (
    "JD gave no answer, so nothing changed; JD is asked again by itself. `payouts doctor` finds out"
    " what prevents it"
)

"""
`payouts schema`: what a job must look like.
"""

import json

import click

from worker.cli.output import Page, answering
from worker.intake import jobs


@click.command()
@answering
def schema() -> Page:
    """
    Print the JSON Schema of a job.
    """
    document = jobs.schema()
    return Page(document, json.dumps(document, ensure_ascii=False, indent=2))

"""
`payouts schema`: what a job must look like, and what the HTTP API takes and gives.
"""

import json

import click

from worker.cli.output import Page, answering
from worker.intake import jobs
from worker.web.api import openapi


@click.command()
@click.option("--api", is_flag=True, help="Print the OpenAPI document of the HTTP API instead.")
@answering
def schema(api: bool) -> Page:
    """
    Print the JSON Schema of a job.
    """
    if api:
        text = openapi.text()
        return Page(json.loads(text), text.rstrip("\n"))
    document = jobs.schema()
    return Page(document, json.dumps(document, ensure_ascii=False, indent=2))

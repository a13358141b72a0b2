"""
`payouts migrate`: bring the database to what this version expects.
"""

import click

from worker import bootstrap
from worker.cli.output import Page, answering
from worker.settings import StoreSettings
from worker.store.migrate import prepare


@click.command()
@answering
def migrate() -> Page:
    """
    Make or update the tables of PAYOUTS_DATABASE_URL, and record the profile in them.

    Safe to repeat, and safe to run twice at once.
    """
    settings = StoreSettings.load()
    with bootstrap.database(settings) as database:
        before = database.revision()
        prepare(database, settings.profile)
        after = database.revision()
    told = f"current already, at {after}" if before == after else f"{before or 'empty'} -> {after}"
    document: dict[str, object] = {"from": before, "to": after, "profile": settings.profile}
    return Page(document, f"the {settings.profile} database is {told}")

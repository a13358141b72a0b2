"""
`payouts migrate`: bring the database to what this version expects.
"""

from importlib import resources

import click

from worker import bootstrap
from worker.cli.output import Page, answering
from worker.settings import StoreSettings
from worker.store.migrate import prepare

#: What gives each kind of process its rights on PostgreSQL.
ROLES = resources.files("worker.store") / "roles.sql"


@click.command()
@click.option("--roles", is_flag=True, help="Print the SQL that gives each process its rights.")
@answering
def migrate(*, roles: bool) -> Page:
    """
    Make or update the tables of PAYOUTS_DATABASE_URL, and record the profile in them.

    Safe to repeat, and safe to run twice at once.
    """
    if roles:
        statements = ROLES.read_text(encoding="utf-8")
        return Page({"sql": statements}, statements.rstrip("\n"))
    settings = StoreSettings.load()
    with bootstrap.database(settings) as database:
        before = database.revision()
        prepare(database, settings.profile)
        after = database.revision()
    told = f"current already, at {after}" if before == after else f"{before or 'empty'} -> {after}"
    document: dict[str, object] = {"from": before, "to": after, "profile": settings.profile}
    return Page(document, f"the {settings.profile} database is {told}")

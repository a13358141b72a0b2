"""
`payouts migrate`: bring the database to what this version expects.
"""

import click
import sqlalchemy as sa
from alembic.util import CommandError

from worker.cli.lookup import database, stamped_profile
from worker.cli.output import Page, answering
from worker.payouts.errors import ProfileMismatch
from worker.settings import SettingsError, StoreSettings
from worker.store import migrate as migrations
from worker.store.stamp import ensure_profile


@click.command()
@answering
def migrate() -> Page:
    """
    Make or update the tables of PAYOUTS_DATABASE_URL, and stamp them with the profile.

    Safe to repeat, and safe to run twice at once.
    """
    profile = StoreSettings.load().profile
    with database() as engine:
        before = migrations.current(engine)
        _refuse_other_profile(engine, before, profile)
        try:
            migrations.upgrade(engine)
        except CommandError:
            raise SettingsError(
                f"the database is at revision {before}, which this version does not know; run the"
                " newer version that made it"
            ) from None
        ensure_profile(engine, profile)
        after = migrations.current(engine)
    told = f"current already, at {after}" if before == after else f"{before or 'empty'} -> {after}"
    document: dict[str, object] = {"from": before, "to": after, "profile": profile}
    return Page(document, f"the {profile} database is {told}")


def _refuse_other_profile(engine: sa.Engine, revision: str | None, profile: str) -> None:
    """
    Look before anything is changed: another profile's tables are none of ours.
    """
    stamped = stamped_profile(engine) if revision is not None else None
    if stamped not in {None, profile}:
        raise ProfileMismatch(
            f"this database belongs to the {stamped} profile, not to {profile}; nothing was changed"
        )

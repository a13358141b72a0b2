"""
Bringing a database's tables to what this version expects; no file but the revisions is needed.
"""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError

from worker.payouts.errors import ProfileMismatch, UnknownRevision
from worker.store import installation
from worker.store.database import Database
from worker.store.faults import translated

# Any constant will do that no other user of the same PostgreSQL server's locks has.
_LOCK = 0x9A70_0D5E


@translated()
def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """
    Apply every revision that is missing, in one transaction; a second caller waits, then rests.

    Raises `UnknownRevision`.
    """
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            # A migration may take its time, unlike anything else that an engine does.
            conn.execute(sa.text("SET LOCAL statement_timeout = '10min'"))
            conn.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config = _config()
        config.attributes["connection"] = conn
        before = MigrationContext.configure(conn).get_current_revision()
        try:
            command.upgrade(config, revision)
        except CommandError:
            raise UnknownRevision(
                f"the database is at revision {before}, which this version does not know; run the"
                " newer version that made it"
            ) from None


def prepare(database: Database, profile: str) -> None:
    """
    Make or update the tables of a database, and record the profile.

    Safe to repeat, and safe to run twice at once. Raises `ProfileMismatch` before anything is
    changed, or `UnknownRevision`.
    """
    recorded = database.profile() if database.revision() is not None else None
    if recorded not in {None, profile}:
        raise ProfileMismatch(
            f"this database belongs to the {recorded} profile, not to {profile}; nothing was"
            " changed"
        )
    upgrade(database.engine)
    installation.ensure_profile(database.engine, profile)


def _config() -> Config:
    config = Config()
    # Named as part of the package, so that no path, whatever characters it has, is ever parsed.
    config.set_main_option("script_location", "worker.store:migrations")
    return config

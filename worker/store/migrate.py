"""
Bringing a database's tables to what this version expects; no file but the revisions is needed.
"""

from datetime import timedelta

import sqlalchemy as sa
import tenacity
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError

from worker.payouts.errors import ProfileMismatch, StoreBusy, UnknownRevision
from worker.store import installation
from worker.store.database import Database
from worker.store.faults import translated
from worker.store.installation import raise_oldest_program
from worker.store.revision import OLDEST_PROGRAM

# Any constant will do that no other user of the same PostgreSQL server's locks has.
_LOCK = 0x9A70_0D5E

_HEAD = "head"

#: For so long a migration tries to get hold of tables that others use.
_PATIENCE = timedelta(minutes=5)


def upgrade(engine: sa.Engine, revision: str = _HEAD, patience: timedelta = _PATIENCE) -> None:
    """
    Apply every revision that is missing, in one transaction; a second caller waits, then rests.

    Workers may go on meanwhile. Where they and the migration wait for each other, the migration
    gives way and begins again. Raises `UnknownRevision`, or `StoreBusy` once its patience is over.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(StoreBusy),
        wait=tenacity.wait_random(0.1, 1.0),
        stop=tenacity.stop_after_delay(patience),
    )
    try:
        attempts(_apply, engine, revision)
    except tenacity.RetryError as busy:
        raise StoreBusy(
            "its tables are in use all the time, and nothing was changed: end the transactions that"
            " hold them (pg_stat_activity), or stop the workers, and repeat"
        ) from busy.last_attempt.exception()


@translated()
def _apply(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            # A migration may take its time, unlike anything else that an engine does.
            conn.execute(sa.text("SET LOCAL statement_timeout = '10min'"))
            conn.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            # While it waits for a table, all others wait behind it.
            conn.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
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
        if revision == _HEAD:
            raise_oldest_program(conn, OLDEST_PROGRAM)


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

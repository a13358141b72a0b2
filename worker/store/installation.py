"""
Whose database this is: recorded once, then checked at every start.
"""

import secrets

import sqlalchemy as sa

from worker.payouts.errors import ProfileMismatch
from worker.store import revision
from worker.store.clock import DATABASE_CLOCK, Clock, read_clock
from worker.store.engine import read_only
from worker.store.faults import translated
from worker.store.tables import installation
from worker.store.writes import insert_new


@translated()
def ensure_profile(engine: sa.Engine, profile: str, clock: Clock = DATABASE_CLOCK) -> None:
    """
    Record the profile of a fresh database. Raises `ProfileMismatch` if it has another.

    A database that has one is only read, so that nobody who starts waits for whoever writes.
    """
    if recorded_profile(engine) is None:
        _record_profile(engine, profile, clock)
    check_profile(engine, profile)


@translated()
def check_profile(engine: sa.Engine, profile: str) -> None:
    """
    Raise `ProfileMismatch` if a database has another profile, or was never used.
    """
    recorded = recorded_profile(engine)
    if recorded is None:
        raise ProfileMismatch("this database belongs to no profile yet: run `payouts migrate`")
    if recorded != profile:
        raise ProfileMismatch(f"this database belongs to the {recorded} profile, not to {profile}")


def _record_profile(engine: sa.Engine, profile: str, clock: Clock) -> None:
    with engine.begin() as conn:
        insert_new(
            conn,
            installation,
            id=1,
            profile=profile,
            created_at=read_clock(conn, clock),
            uid=secrets.token_hex(16),
            epoch=1,
            sweep_count=0,
            oldest_program=revision.OLDEST_PROGRAM,
            seals_uid=secrets.token_hex(16),
        )


def raise_oldest_program(conn: sa.Connection, revision: str) -> None:
    """
    Let no older version of the program work on these tables; a newer one may be asked for already.
    """
    oldest = installation.c.oldest_program
    older = sa.update(installation).where(sa.or_(oldest.is_(None), oldest < revision))
    conn.execute(older.values(oldest_program=revision))


@translated()
def recorded_profile(engine: sa.Engine) -> str | None:
    """
    The profile that a migrated database belongs to; None before it was first used.
    """
    with read_only(engine).begin() as conn:
        return conn.scalar(sa.select(installation.c.profile))

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
from worker.store.keyring import Keyring
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
        )


@translated()
def ensure_keyring(engine: sa.Engine, keyring: Keyring) -> None:
    """
    Seal a sample into a fresh database. Raises `WrongKey` if the keyring does not open the sample.

    So a wrong keyring is found at start, before anything is sealed with it.
    """
    with read_only(engine).begin() as conn:
        recorded = conn.scalar(sa.select(installation.c.sealed_sample))
    sealed = recorded or _record_sample(engine, keyring)
    keyring.open(sealed)


def _record_sample(engine: sa.Engine, keyring: Keyring) -> bytes:
    unsealed = installation.c.sealed_sample.is_(None)
    sample = keyring.seal(b"payouts")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).where(unsealed).values(sealed_sample=sample))
        return bytes(conn.execute(sa.select(installation.c.sealed_sample)).scalar_one())


@translated()
def recorded_profile(engine: sa.Engine) -> str | None:
    """
    The profile that a migrated database belongs to; None before it was first used.
    """
    with read_only(engine).begin() as conn:
        return conn.scalar(sa.select(installation.c.profile))

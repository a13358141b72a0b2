"""
Whose database this is: recorded once, then checked at every start.
"""

import secrets

import sqlalchemy as sa

from worker.payouts.errors import ProfileMismatch
from worker.store.base import insert_new
from worker.store.clock import Clock, database_now
from worker.store.engine import read_only
from worker.store.faults import translated
from worker.store.keyring import Keyring
from worker.store.tables import installation


@translated()
def ensure_profile(engine: sa.Engine, profile: str, clock: Clock = database_now) -> None:
    """
    Record the profile of a fresh database. Raises `ProfileMismatch` if it has another.
    """
    with engine.begin() as conn:
        insert_new(
            conn,
            installation,
            id=1,
            profile=profile,
            created_at=clock(conn),
            uid=secrets.token_hex(16),
            epoch=1,
            sweep_count=0,
        )
        recorded = conn.execute(sa.select(installation.c.profile)).scalar_one()
    if recorded != profile:
        raise ProfileMismatch(f"this database belongs to the {recorded} profile, not to {profile}")


@translated()
def ensure_keyring(engine: sa.Engine, keyring: Keyring) -> None:
    """
    Seal a sample into a fresh database. Raises `WrongKey` if the keyring does not open the sample.

    So a wrong keyring is found at start, before anything is sealed with it.
    """
    unsealed = installation.c.sealed_sample.is_(None)
    sample = keyring.seal(b"payouts")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).where(unsealed).values(sealed_sample=sample))
        sealed = conn.execute(sa.select(installation.c.sealed_sample)).scalar_one()
    keyring.open(sealed)


@translated()
def recorded_profile(engine: sa.Engine) -> str | None:
    """
    The profile that a migrated database belongs to; None before it was first used.
    """
    with read_only(engine).begin() as conn:
        return conn.scalar(sa.select(installation.c.profile))

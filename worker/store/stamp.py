"""
Whose database this is: stamped once, then checked at every start.
"""

import secrets

import sqlalchemy as sa

from worker.payouts.errors import ProfileMismatch
from worker.store.base import insert_new
from worker.store.clock import Clock, database_now
from worker.store.keyring import Keyring
from worker.store.tables import installation


def ensure_profile(engine: sa.Engine, profile: str, clock: Clock = database_now) -> None:
    """
    Stamp a fresh database with the profile. Raises `ProfileMismatch` if it bears another.
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
            beats=0,
        )
        stamped = conn.execute(sa.select(installation.c.profile)).scalar_one()
    if stamped != profile:
        raise ProfileMismatch(f"this database belongs to the {stamped} profile, not to {profile}")


def ensure_keyring(engine: sa.Engine, keyring: Keyring) -> None:
    """
    Seal a sample into a fresh stamp. Raises `WrongKey` if the keyring does not open the sample.

    So a wrong keyring is found at start, before anything is sealed with it.
    """
    unsealed = installation.c.sealed_sample.is_(None)
    sample = keyring.seal(b"payouts")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).where(unsealed).values(sealed_sample=sample))
        sealed = conn.execute(sa.select(installation.c.sealed_sample)).scalar_one()
    keyring.open(sealed)

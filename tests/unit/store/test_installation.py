"""
Whose database it is.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.contract.samples import migrated
from tests.servers import Databases
from worker.payouts.errors import ProfileMismatch, WrongKey
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keyring import Keyring
from worker.store.keys import ensure_keyring
from worker.store.tables import installation


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind, not stamped yet.
    """
    engine = create_engine(databases.prepared(migrated))
    yield engine
    engine.dispose()


def test_a_fresh_database_takes_the_profile(engine: sa.Engine) -> None:
    """
    The first start stamps the database, and later starts under the same profile find it so.
    """
    ensure_profile(engine, "sandbox")
    ensure_profile(engine, "sandbox")

    with engine.begin() as conn:
        (row,) = conn.execute(sa.select(installation)).all()
    assert (row.profile, row.epoch) == ("sandbox", 1)


def test_another_profile_is_refused(engine: sa.Engine) -> None:
    """
    A sandbox database is never used for real money, nor the other way round.
    """
    ensure_profile(engine, "sandbox")

    with pytest.raises(ProfileMismatch, match="sandbox"):
        ensure_profile(engine, "live")


def test_there_is_one_stamp(engine: sa.Engine) -> None:
    """
    A second row cannot exist.
    """
    ensure_profile(engine, "sandbox")
    second = sa.text(
        "INSERT INTO installation (id, profile, created_at, epoch)"
        " SELECT 2, profile, created_at, epoch FROM installation"
    )

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        conn.execute(second)


def test_the_first_keyring_is_kept_to(engine: sa.Engine) -> None:
    """
    A database that one key has sealed is refused to a process with another, and to no rotation.
    """
    first, second = Keyring.generate_key(), Keyring.generate_key()
    ensure_profile(engine, "sandbox")
    ensure_keyring(engine, Keyring([first]))
    ensure_keyring(engine, Keyring([second, first]))

    with pytest.raises(WrongKey):
        ensure_keyring(engine, Keyring([second]))


def test_who_starts_waits_for_nobody_who_writes(engine: sa.Engine) -> None:
    """
    A database that has a profile and a sample is only read: its one writer may be at work.
    """
    keyring = Keyring([Keyring.generate_key()])
    ensure_profile(engine, "sandbox")
    ensure_keyring(engine, keyring)
    second = create_engine(engine.url, "second")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(epoch=installation.c.epoch))
        ensure_profile(second, "sandbox")
        ensure_keyring(second, keyring)
    second.dispose()

"""
Times and words, in and out of either database.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.types import UtcDateTime, one_of

CHINA = timezone(timedelta(hours=8))
MOMENT = datetime(2026, 3, 2, 12, 0, 0, 7, tzinfo=UTC)

samples = sa.Table(
    "samples",
    sa.MetaData(),
    sa.Column("at", UtcDateTime),
    sa.Column("status", one_of(PayoutStatus)),
)


@pytest.fixture
def conn(database_url: str) -> Iterator[sa.Connection]:
    """
    A connection to a database with the samples' table.
    """
    engine = create_engine(database_url)
    with engine.begin() as conn:
        samples.create(conn)
        yield conn
    engine.dispose()


def store(conn: sa.Connection, **values: object) -> None:
    """
    Insert one sample.
    """
    conn.execute(sa.insert(samples).values(**values))


@pytest.mark.parametrize("at", [None, MOMENT, MOMENT.replace(microsecond=0), MOMENT.astimezone()])
def test_a_time_comes_back_in_utc(conn: sa.Connection, at: datetime | None) -> None:
    """
    Microseconds are kept, whatever their number, and so is no time at all.
    """
    store(conn, at=at)

    back = conn.execute(sa.select(samples.c.at)).scalar_one()

    assert back == at
    assert back is None or back.tzinfo is UTC


def test_another_zone_is_the_same_moment(conn: sa.Connection) -> None:
    """
    A Chinese time is stored as the UTC moment that it names.
    """
    store(conn, at=MOMENT.astimezone(CHINA))

    assert conn.execute(sa.select(samples.c.at)).scalar_one() == MOMENT


def test_a_naive_time_is_refused(conn: sa.Connection) -> None:
    """
    Without a zone a time could mean anything, so it is not stored.
    """
    with pytest.raises(sa.exc.StatementError, match="must be aware"):
        store(conn, at=MOMENT.replace(tzinfo=None))


def test_times_sort_and_compare_as_time_does(conn: sa.Connection) -> None:
    """
    The order is chronological over zones, and over times with and without a fraction.
    """
    whole = MOMENT.replace(microsecond=0)
    times = [whole, MOMENT, whole + timedelta(seconds=1), MOMENT + timedelta(days=400)]
    for at in (times[2], times[0].astimezone(CHINA), times[3], times[1]):
        store(conn, at=at)

    assert list(conn.scalars(sa.select(samples.c.at).order_by(samples.c.at))) == times
    later = sa.select(samples.c.at).where(samples.c.at > MOMENT.astimezone(CHINA))
    assert set(conn.scalars(later)) == set(times[2:])


def test_a_status_is_stored_as_its_word(conn: sa.Connection) -> None:
    """
    The database holds the value that people and other programs read, and gives back the merchant.
    """
    store(conn, status=PayoutStatus.PAID)

    assert conn.execute(sa.text("SELECT status FROM samples")).scalar_one() == "paid"
    assert conn.execute(sa.select(samples.c.status)).scalar_one() is PayoutStatus.PAID


def test_a_word_that_is_no_status_is_refused(conn: sa.Connection) -> None:
    """
    Only the enum's own values can be written.
    """
    with pytest.raises(sa.exc.StatementError):
        store(conn, status="lost")

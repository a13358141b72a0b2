"""
A job that names the end of time is kept or rejected, wherever the database believes to be.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, MERCHANT, TERMS, migrated
from tests.doubles.world import RecordingDispatcher
from tests.factories import NUMBER, a_job
from tests.servers import Databases
from worker.intake.message import receive
from worker.intake.sealing import SealedJobs
from worker.payouts.policy.controls import ReviewList
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.usecases.accept import Acceptor


@pytest.fixture
def ledger(databases: Databases) -> Iterator[SqlLedger]:
    """
    A migrated database of either kind; the server's zone is Shanghai's.
    """
    url = databases.prepared(migrated)
    engine = create_engine(url)
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            name = sa.make_url(url).database
            conn.exec_driver_sql(f"ALTER DATABASE {name} SET timezone = 'Asia/Shanghai'")
    engine.dispose()
    ledger = SqlLedger(create_engine(url), KEYRING)
    yield ledger
    ledger.close()


@pytest.mark.parametrize(
    ("send_before", "is_accepted"),
    [
        ("9999-12-31T23:59:59Z", True),
        ("9999-12-31T23:59:59+08:00", True),
        ("9999-12-31T23:59:59-05:00", False),  # the year 10000 in UTC
        ("0001-01-01T00:00:00+08:00", False),  # the year before the first
    ],
)
def test_the_end_of_time(ledger: SqlLedger, send_before: str, is_accepted: bool) -> None:
    """
    What is accepted can be read again; what cannot be stored is rejected, and never requeued.
    """
    acceptor = Acceptor(ledger, RecordingDispatcher(), TERMS, ReviewList(), SealedJobs())

    receive(acceptor, {"job": a_job(send_before=send_before)})

    assert (ledger.find(MERCHANT, NUMBER) is not None) is is_accepted
    assert len(ledger.rejections(9)) == (0 if is_accepted else 1)
    assert len(ledger.payouts(None, 9)) == (1 if is_accepted else 0)

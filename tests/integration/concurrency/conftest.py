"""
A database of either kind, and many payouts in it at once.
"""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, NOON, TERMS, an_order, migrated
from tests.servers import Databases
from worker.payouts.status import PayoutStatus, Reason
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.store.rows import order_columns
from worker.store.tables import obligations, payouts, transitions

#: Puts so many payouts, queued and due, into the database, and returns their ids.
Fill = Callable[[int], list[int]]


@pytest.fixture
def url(databases: Databases) -> str:
    """
    A migrated database of either kind.
    """
    return databases.prepared(migrated)


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """
    The test's own way into that database.
    """
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: sa.Engine) -> SqlLedger:
    """
    The ledger over it, by the database's clock.
    """
    return SqlLedger(engine, KEYRING)


@pytest.fixture
def fill(engine: sa.Engine) -> Fill:
    """
    Writes in a few statements what acceptance does one by one.
    """

    def write(count: int) -> list[int]:
        state = {
            "status": PayoutStatus.QUEUED,
            "reason": Reason.ACCEPTED,
            "version": 1,
            "exposed": False,
            "accepted_at": NOON,
            "updated_at": NOON,
            "returned_fen": 0,
            "resends": 0,
            "next_send_at": NOON,
            "query_misses": 0,
        }
        orders = [an_order(f"P-{number}") for number in range(count)]
        accepted = {"to_status": PayoutStatus.QUEUED, "reason": Reason.ACCEPTED}
        debts = [
            {
                "id": place,
                "namespace": "default",
                "name": order.obligation,
                "owed_fen": order.amount_fen,
                "committed_fen": order.amount_fen,
                "created_at": NOON,
            }
            for place, order in enumerate(orders, 1)
        ]
        seals = SqlLedger(engine, KEYRING).seals
        with engine.begin() as conn:
            conn.execute(sa.insert(obligations), debts)
            conn.execute(
                sa.insert(payouts),
                [
                    order_columns(order, TERMS, seals) | state | {"obligation_id": place}
                    for place, order in enumerate(orders, 1)
                ],
            )
            ids = list(conn.scalars(sa.select(payouts.c.id).order_by(payouts.c.id)))
            moves = [{"payout_id": one, "actor": "shop", "at": NOON} | accepted for one in ids]
            conn.execute(sa.insert(transitions), moves)
        return ids

    return write

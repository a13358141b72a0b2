"""
A row that someone holds: sweeps pass it by, and take the others.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, NOON, VirtualClock, a_judge, accepted, migrated
from tests.servers import Databases
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.store.tables import payouts

HOUR = timedelta(hours=1)

Sweep = Callable[[SqlLedger], Sequence[int]]


@pytest.mark.parametrize(
    "sweep",
    [
        lambda ledger: ledger.claim_due_sends(10, HOUR),
        lambda ledger: ledger.claim_due_queries(10, lambda _: HOUR),
    ],
    ids=["sends", "queries"],
)
def test_a_sweep_passes_by_what_is_held(postgres_databases: Databases, sweep: Sweep) -> None:
    """
    A frozen worker holds a row of PostgreSQL: the sweep neither waits for it nor leaves the rest.

    SQLite has one lock for all, so there is nothing to pass by.
    """
    clock = VirtualClock()
    engine = create_engine(postgres_databases.prepared(migrated))
    ledger = SqlLedger(engine, KEYRING, clock.told)
    held, *others = [accepted(ledger, f"P-{number}").id for number in range(3)]
    for payout_id in (held, *others):
        ledger.judge(payout_id, a_judge(next_query_at=NOON))

    with engine.begin() as holder:
        holder.execute(sa.select(payouts.c.id).where(payouts.c.id == held).with_for_update())
        while_held = sweep(ledger)

    assert (list(while_held), list(sweep(ledger))) == (others, [held])
    ledger.close()

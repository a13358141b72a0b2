"""
What someone holds: claims pass it by, and take the others.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    KEYRING,
    MERCHANT,
    NOON,
    VirtualClock,
    a_judge,
    accepted,
    due_queries,
    migrated,
)
from tests.factories import a_claimant
from tests.servers import Databases
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.store.tables import obligations, payouts

HOUR = timedelta(hours=1)

Take = Callable[[SqlLedger, list[int]], Sequence[int]]


def claims(ledger: SqlLedger, payout_ids: list[int]) -> Sequence[int]:
    """
    The payouts that a claim for sending takes.
    """
    return [claim.payout.id for claim in ledger.claim(payout_ids, a_claimant()).claims]


def questions(ledger: SqlLedger, _payout_ids: list[int]) -> Sequence[int]:
    """
    The payouts that a claim for asking takes.
    """
    return due_queries(ledger, 10, lambda _: HOUR)


@pytest.mark.parametrize(("take", "table"), [(claims, obligations), (questions, payouts)])
def test_a_claim_passes_by_what_is_held(
    postgres_databases: Databases, take: Take, table: sa.Table
) -> None:
    """
    Someone holds a debt, or a row, of PostgreSQL: a claim neither waits for it nor leaves the rest.

    SQLite has one lock for all, so there is nothing to pass by.
    """
    clock = VirtualClock()
    engine = create_engine(postgres_databases.prepared(migrated))
    ledger = SqlLedger(engine, KEYRING, clock.told)
    held, *others = ids = [accepted(ledger, f"P-{number}").id for number in range(3)]
    for payout_id in ids:
        ledger.judge(payout_id, a_judge(next_query_at=NOON))

    with engine.begin() as holder:
        holder.execute(sa.select(table.c.id).where(table.c.id == held).with_for_update())
        while_held = take(ledger, ids)
        still_due = [*ledger.find_due_sends(MERCHANT, 9)] if take is claims else [held]

    assert list(while_held) == others
    assert still_due == [held]
    assert list(take(ledger, [held])) == [held]
    ledger.close()

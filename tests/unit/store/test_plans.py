"""
What is asked often stays quick however many payouts are finished: it is read by an index.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.contract.samples import (
    KEYRING,
    MERCHANT,
    NOON,
    TERMS,
    accepted,
    an_order,
    due_queries,
    migrated,
)
from tests.servers import SqliteDatabases
from worker.payouts.acceptance import Entry
from worker.payouts.own import Wanted
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger

HOUR = timedelta(hours=1)


@pytest.fixture
def engine(sqlite_databases: SqliteDatabases) -> Iterator[sa.Engine]:
    """
    A migrated SQLite database.
    """
    engine = create_engine(sqlite_databases.prepared(migrated))
    yield engine
    engine.dispose()


def overheard(engine: sa.Engine, work: Callable[[SqlLedger], object]) -> list[tuple[str, Any]]:
    """
    The statements that some work asks, each with its parameters.
    """
    asked: list[tuple[str, Any]] = []

    def overhear(*call: Any) -> None:
        _conn, _cursor, statement, parameters, *_ = call
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", overhear)
    work(SqlLedger(engine, KEYRING))
    event.remove(engine, "before_cursor_execute", overhear)
    return asked


def steps(engine: sa.Engine, question: tuple[str, Any]) -> list[str]:
    """
    How SQLite answers a statement.
    """
    with engine.begin() as conn:
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {question[0]}", question[1]).all()
    return [step.detail for step in plan]


def test_payments_are_compared_by_their_index(engine: sa.Engine) -> None:
    """
    However many payouts there are, those to one payee of one amount are found.
    """
    entry = Entry(an_order(), duplicates_within=HOUR)

    asked = overheard(engine, lambda ledger: ledger.accept([entry], TERMS))

    (question,) = (one for one in asked if "payee_digest IN" in one[0])
    (step, *_) = steps(engine, question)
    assert "USING INDEX ix_payouts_payee_digest (payee_digest=? AND amount_fen=?" in step


@pytest.mark.parametrize(
    ("sweep", "index"),
    [
        (lambda ledger: ledger.expire_leases(10), "ix_payouts_lease_until"),
        (lambda ledger: ledger.find_unapplied(10), "ix_evidence_waiting"),
        (lambda ledger: ledger.find_due_sends(MERCHANT, 10), "ix_payouts_next_send_at"),
        (lambda ledger: ledger.until_next_query(MERCHANT), "ix_payouts_next_query_at"),
        (lambda ledger: due_queries(ledger, 10, lambda _: HOUR), "ix_payouts_next_query_at"),
    ],
    ids=["expired", "find_unapplied", "find_due_sends", "until_next_query", "claim_due_queries"],
)
def test_a_sweep_reads_by_its_index(
    engine: sa.Engine, sweep: Callable[[SqlLedger], object], index: str
) -> None:
    """
    SQLite answers each of the sweep's questions from the index that was made for it.
    """
    asked = overheard(engine, sweep)
    question = next(one for one in asked if one[0].startswith("SELECT") and "LIMIT" in one[0])

    assert index in " ".join(steps(engine, question))


def test_health_reads_no_table_whole(engine: sa.Engine) -> None:
    """
    It is asked every few seconds: what grows with the payouts is read by an index alone.
    """
    grow = ("payouts", "evidence", "cases", "rejections", "attempts", "transitions", "p")
    asked = overheard(engine, lambda ledger: ledger.health(MERCHANT))
    found = [step for question in asked for step in steps(engine, question)]
    whole = [step for step in found if step.startswith("SCAN") and "INDEX" not in step]

    assert len(asked) > 10
    assert [step for step in whole if step.split()[1] in grow] == []


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(status=PayoutStatus.PAID),
        Wanted(accepted_from=NOON, accepted_before=NOON + HOUR),
        Wanted(behind="P-1"),
    ],
    ids=["all", "status", "time", "page"],
)
def test_a_producers_list_reads_by_its_index(engine: sa.Engine, wanted: Wanted) -> None:
    """
    In the order in which it is told, so that a page costs a page, whoever else has payouts.
    """
    accepted(SqlLedger(engine, KEYRING), "P-1")
    asked = overheard(engine, lambda ledger: ledger.own_payouts(MERCHANT, "shop", wanted, 10))
    question = next(one for one in asked if "LIMIT" in one[0])
    found = steps(engine, question)

    assert "ix_payouts_producer_accepted_at_id" in " ".join(found)
    assert not any("TEMP B-TREE" in step for step in found)

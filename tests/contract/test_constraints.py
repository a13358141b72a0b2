"""
What the database itself refuses, whatever program writes to it.
"""

import pytest
import sqlalchemy as sa

from tests.contract.samples import accepted, claimed
from worker.store.ledger import SqlLedger
from worker.store.tables import attempts, obligations, payouts


@pytest.mark.parametrize(
    "change",
    [
        # Exposed payouts never look as if nothing had been sent.
        "exposed = true, status = 'queued'",
        "exposed = true, status = 'held'",
        "exposed = true, status = 'cancelled'",
        "status = 'lost'",
        "amount_fen = 0",
        "amount_fen = 1000000000000",
        "returned_fen = -1",
        "returned_fen = amount_fen + 1",
        "lease_token = 'without an end'",
    ],
)
def test_a_payout_that_makes_no_sense_is_refused(
    ledger: SqlLedger, engine: sa.Engine, change: str
) -> None:
    """
    Raw SQL that breaks a rule of the payout's own row is refused.
    """
    accepted(ledger)

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        conn.execute(sa.text(f"UPDATE payouts SET {change}"))


def test_a_second_open_attempt_is_refused(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    Even an insert behind the ledger's back cannot start a second transmission.
    """
    attempt = claimed(ledger, accepted(ledger))
    second = sa.insert(attempts).values(
        payout_id=attempt.payout_id,
        number=2,
        lease_token="another",
        started_at=attempt.started_at,
        detail="",
    )

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        conn.execute(second)


@pytest.mark.parametrize("committed_fen", [12_346, -1])
def test_no_more_is_committed_than_is_owed(
    ledger: SqlLedger, engine: sa.Engine, committed_fen: int
) -> None:
    """
    The database itself refuses payouts that add up to more than the debt, and less than nothing.
    """
    accepted(ledger, obligation="invoice-7", amount_fen=12_345)
    more = sa.update(obligations).values(committed_fen=committed_fen)

    with pytest.raises(sa.exc.IntegrityError, match="committed"), engine.begin() as conn:
        conn.execute(more)


def test_a_second_row_for_a_number_is_refused(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    Whoever inserts behind the ledger's back cannot have a merchant's number paid twice.
    """
    accepted(ledger)
    columns = [column.name for column in payouts.c if column.name != "id"]
    same = sa.insert(payouts).from_select(columns, sa.select(*(payouts.c[n] for n in columns)))

    with pytest.raises(sa.exc.IntegrityError, match="out_trade_no"), engine.begin() as conn:
        conn.execute(same)


def test_rows_of_a_payout_keep_it(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    A payout with a history cannot be deleted.
    """
    accepted(ledger)

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        conn.execute(sa.delete(payouts))

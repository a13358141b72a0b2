"""
What the database itself refuses, whatever program writes to it.
"""

import pytest
import sqlalchemy as sa

from tests.contract.samples import accepted, applied, claimed
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.store.tables import attempts, payouts


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


def test_a_released_obligation_may_be_paid_again(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    The obligation's index looks at payouts that are not released, and at no others.
    """
    first = accepted(ledger, obligation="invoice-7")
    applied(ledger, first.id, status=PayoutStatus.CANCELLED, next_send_at=None)
    with engine.begin() as conn:
        conn.execute(sa.update(payouts).values(released_at=first.accepted_at))

    second = accepted(ledger, "P-2", obligation="invoice-7")

    assert ledger.holder_of(first.terms.customer_no, "invoice-7") == second


def test_rows_of_a_payout_keep_it(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    A payout with a history cannot be deleted.
    """
    accepted(ledger)

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as conn:
        conn.execute(sa.delete(payouts))

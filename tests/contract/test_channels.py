"""
What stops sending for a merchant, and what lets it go on.
"""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.contract.samples import MERCHANT, NOON, a_judge, accepted, applied, try_claim
from worker.payouts.model import Payout
from worker.store.channel_tables import channels
from worker.store.ledger import SqlLedger


def paused_why(engine: sa.Engine) -> str | None:
    """
    Why the merchant's channel is paused, if it is.
    """
    with engine.begin() as conn:
        return conn.execute(sa.select(channels.c.paused_why)).scalar_one_or_none()


def judged(ledger: SqlLedger, payout: Payout, *verified: bool, limit: int = 3) -> None:
    """
    Have judged answers of which some did not verify.
    """
    ledger.judge(payout.id, replace(a_judge(verified=verified), unverifiable_limit=limit))


def test_a_standing_may_pause_the_channel(ledger: SqlLedger) -> None:
    """
    An answer that shows our own fault stops all sending for the merchant.
    """
    payout = accepted(ledger)
    other = accepted(ledger, "P-2")

    applied(ledger, payout.id, pause="balance too small")

    assert try_claim(ledger, other) is None


def test_the_first_reason_for_a_pause_stands(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    Later causes do not overwrite what an operator has to look at first.
    """
    ledger.pause(MERCHANT, "certificate", "worker-1")
    ledger.pause(MERCHANT, "balance", "worker-2")

    assert paused_why(engine) == "certificate"


def test_a_pause_and_a_resumption_are_signed(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    The channel's row says who paused or resumed it, when and why.
    """
    ledger.pause(MERCHANT, "balance", "worker-1")
    ledger.resume(MERCHANT, "topped up", "alice")

    with engine.begin() as conn:
        row = conn.execute(sa.select(channels)).one()
    assert (row.paused_at, row.paused_why, row.paused_by) == (None, None, None)
    assert (row.resumed_at, row.resumed_why, row.resumed_by) == (NOON, "topped up", "alice")


@pytest.mark.parametrize(
    ("verdicts", "stops"),
    [
        ([(False, False)], False),
        ([(False, False, False)], True),
        # Counted over payouts and settlings.
        ([(False,), (False,), (False,)], True),
        # An answer that verifies starts the count again...
        ([(False, False, True, False, False)], False),
        ([(False, False), (True,), (False,)], False),
        # ... but does not undo what it came too late for.
        ([(False, False, False, True)], True),
        # Settling without a newly judged answer neither counts nor forgets.
        ([(False, False), (), (False,)], True),
    ],
)
def test_unverifiable_answers_in_a_row_stop_the_channel(
    ledger: SqlLedger, engine: sa.Engine, verdicts: list[tuple[bool, ...]], stops: bool
) -> None:
    """
    Three answers in a row whose signature fails are our own fault until a person says otherwise.
    """
    for place, verified in enumerate(verdicts):
        judged(ledger, accepted(ledger, f"P-{place}"), *verified)

    assert (paused_why(engine) is not None) is stops


def test_resuming_forgets_the_count(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    After a resumption it takes as many unverifiable answers again.
    """
    payout = accepted(ledger)
    judged(ledger, payout, False, False, False)
    ledger.resume(MERCHANT, "new certificate", "operator")

    judged(ledger, payout, False, False)

    assert paused_why(engine) is None


def test_verified_answers_do_not_touch_the_channel(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    The usual case leaves no row that all payouts would have to queue for.
    """
    judged(ledger, accepted(ledger), True, True)

    with engine.begin() as conn:
        assert conn.execute(sa.select(channels)).all() == []

"""
What the audit asks the tables for.
"""

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, TERMS, VirtualClock, accepted, an_order
from tests.contract.stories import withdrawn
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.store.ledger import SqlLedger
from worker.store.tables import decisions, payouts


@pytest.fixture
def audited(engine: sa.Engine, clock: VirtualClock) -> SqlLedger:
    """
    A ledger with two payouts that were withdrawn, one then freed and the other replaced.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    freed, replaced = (
        withdrawn(ledger, accepted(ledger)),
        withdrawn(ledger, accepted(ledger, "P-2")),
    )
    ledger.carry_out(freed, decide(Action.RELEASE, freed, "cli:mei", "not owed any more"))
    order = an_order("P-3", obligation="P-2")
    ledger.replace(replaced, may_replace(replaced, "cli:mei", "right card"), order, TERMS)
    return ledger


def test_every_freed_obligation_has_its_decision(audited: SqlLedger, engine: sa.Engine) -> None:
    """
    A release and a replacement are decisions that free one; a withdrawal is not.
    """
    assert audited.find_unproven_releases() == []
    with engine.begin() as conn:
        conn.execute(sa.delete(decisions).where(decisions.c.action != Action.CANCEL.value))

    assert audited.find_unproven_releases() == ["P-1", "P-2"]


def test_one_freed_behind_the_desk_is_found(audited: SqlLedger, engine: sa.Engine) -> None:
    """
    Nobody decided that P-3 may be paid by another.
    """
    with engine.begin() as conn:
        conn.execute(
            sa.update(payouts)
            .where(payouts.c.out_trade_no == "P-3")
            .values(released_at=payouts.c.accepted_at)
        )

    assert audited.find_unproven_releases() == ["P-3"]

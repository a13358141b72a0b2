"""
Chains of what became of payouts, where an older version has begun without them.
"""

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEY, KEYRING, VirtualClock, accepted, claimed
from tests.contract.stories import withdrawn
from worker.store.keyring import Form, Keyring
from worker.store.ledger import SqlLedger
from worker.store.seals import Seals
from worker.store.tables import installation, payouts
from worker.usecases.keys import rotate

NEW_KEYS = [Keyring.generate_key(), KEY]
NEW = Keyring(NEW_KEYS)


def histories(engine: sa.Engine) -> list[str | None]:
    """
    What the payouts' rows say of how their histories end.
    """
    with engine.begin() as conn:
        return [*conn.scalars(sa.select(payouts.c.history).order_by(payouts.c.id))]


@pytest.fixture
def before(engine: sa.Engine, clock: VirtualClock) -> SqlLedger:
    """
    A database whose rows vouch for themselves, and not for their histories.
    """
    seals = Seals(KEYRING)
    with engine.begin() as conn:
        seals.look(conn)
        row = conn.execute(sa.select(installation)).mappings().one()
        place = seals._place(installation.c.sealed_sample, row)
        sample = KEYRING.seal(KEYRING.ids[0], b"payouts", place, Form.VOUCHED)
        conn.execute(sa.update(installation).values(sealed_sample=sample))
    return SqlLedger(engine, KEYRING, clock.told)


def test_a_rotation_takes_histories_up_as_they_are(
    before: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    From then on each goes on where it was, and the audit compares.
    """
    paid, cancelled = accepted(before, "P-1"), accepted(before, "P-2")
    withdrawn(before, cancelled)
    assert histories(engine) == [None, None]
    assert before.altered([paid.id, cancelled.id]) == []

    after = SqlLedger(engine, NEW, clock.told)
    rotate(after, "mei", lambda *_: None)
    taken_up = histories(engine)
    claimed(after, paid)

    assert [text and len(text.partition(".")[2]) for text in taken_up] == [0, 64]
    assert histories(engine)[0] not in {None, taken_up[0]}
    assert histories(engine)[1] == taken_up[1]
    assert after.altered([paid.id, cancelled.id]) == []


def test_what_is_chained_and_what_is_not_are_sealed_anew_together(
    before: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    A process that has not looked since the rotation goes on without chains for some seconds.
    """
    ids = [accepted(before, "P-1").id]
    rotate(SqlLedger(engine, NEW, clock.told), "mei", lambda *_: None)
    ids.append(accepted(before, "P-2").id)
    assert [text is None for text in histories(engine)] == [False, True]

    newer = Keyring([Keyring.generate_key(), *NEW_KEYS])
    after = SqlLedger(engine, newer, clock.told)
    rotate(after, "mei", lambda *_: None)

    assert None not in histories(engine)
    assert after.altered(ids) == []

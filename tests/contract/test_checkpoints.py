"""
What checkpoints over all histories see, and what they do not have to see.
"""

import subprocess
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEY, KEYRING, VirtualClock, accepted, claimed
from tests.doubles.owner import take_fences_away
from worker.payouts.checkpoint import Checkpoint
from worker.store import checkpoints as module
from worker.store.checkpoint_tables import checkpoint_histories, checkpoints
from worker.store.keyring import Form, Keyring, key_of
from worker.store.ledger import SqlLedger
from worker.store.tables import installation, payouts
from worker.usecases.keys import rotate

MINUTE = timedelta(minutes=1)


def noted(ledger: SqlLedger, clock: VirtualClock) -> Checkpoint | None:
    """
    What a sweep a minute later notes.
    """
    clock.advance(minutes=1)
    return ledger.note_checkpoint(MINUTE)


def sha256(text: str) -> str:
    """
    As `sha256sum` tells it.
    """
    told = subprocess.run(["sha256sum"], input=text.encode(), capture_output=True, check=True)
    return told.stdout.decode().split()[0]


def histories(engine: sa.Engine) -> list[tuple[int, int]]:
    """
    Which checkpoints saw which payouts.
    """
    kept = checkpoint_histories.c
    with engine.begin() as conn:
        found = conn.execute(sa.select(kept.checkpoint_id, kept.payout_id))
        return sorted((row.checkpoint_id, row.payout_id) for row in found)


def test_what_changed_is_seen_a_minute_later(
    ledger: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Once; and what changes again is seen again.
    """
    payout, other = (accepted(ledger, number) for number in ("P-1", "P-2"))
    assert noted(ledger, clock) is not None
    assert histories(engine) == []

    two = noted(ledger, clock)
    claimed(ledger, payout)
    assert noted(ledger, clock) is not None
    three = noted(ledger, clock)
    last = noted(ledger, clock)

    assert two is not None
    assert three is not None
    assert (two.number, two.payouts, three.number, three.payouts) == (2, 2, 4, 1)
    assert histories(engine) == [(2, payout.id), (2, other.id), (4, payout.id)]
    assert last is None


def test_each_covers_those_before_it(
    ledger: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Its digest is made of the one before it, and of the histories in the payouts' rows.
    """
    payout_id = accepted(ledger).id
    first, second = noted(ledger, clock), noted(ledger, clock)

    with engine.begin() as conn:
        history = conn.scalar(sa.select(payouts.c.history))
    assert first is not None
    assert second is not None
    assert first.digest == sha256('["", 1]')
    assert second.digest == sha256(f'["{first.digest}", 2, [{payout_id}, "{history}"]]')
    assert ledger.checkpoint(2) == second
    assert ledger.health("360080000000000001").checkpoint == second


def test_there_is_one_a_minute(ledger: SqlLedger, engine: sa.Engine, clock: VirtualClock) -> None:
    """
    However often a sweep asks.
    """
    accepted(ledger)
    assert ledger.note_checkpoint(MINUTE) is not None
    clock.advance(seconds=59)
    assert ledger.note_checkpoint(MINUTE) is None
    clock.advance(seconds=1)
    assert ledger.note_checkpoint(MINUTE) is not None


def test_where_much_is_left_over_the_next_follows_at_once(
    ledger: SqlLedger,
    engine: sa.Engine,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    So a database that has no checkpoint yet is covered little by little, and wholly.
    """
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    ids = [accepted(ledger, f"P-{n}").id for n in range(5)]
    noted(ledger, clock)
    clock.advance(minutes=1)

    seen = [ledger.note_checkpoint(MINUTE) for _ in range(3)]
    seen.append(noted(ledger, clock))

    assert [one and one.payouts for one in seen] == [2, 2, None, 1]
    assert [payout_id for _, payout_id in histories(engine)] == ids


def test_the_version_before_chains_nothing(
    ledger: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    As long as it may work beside this one, no checkpoint is noted.
    """
    sample = KEYRING.seal(KEYRING.ids[0], b"", b"", Form.VOUCHED)
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(sealed_sample=sample))
    accepted(ledger)

    assert noted(ledger, clock) is None
    with engine.begin() as conn:
        assert conn.scalar(sa.select(payouts.c.history)) is None
        assert conn.scalar(sa.select(payouts.c.seal)) is not None


def test_a_checkpoint_is_sealed_anew(
    ledger: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Its digest stays, and the new key vouches for it.
    """
    accepted(ledger)
    before = noted(ledger, clock)
    later = SqlLedger(engine, Keyring([Keyring.generate_key(), KEY]), clock.told)

    rotate(later, "mei", lambda *_: None)

    with engine.begin() as conn:
        seal = conn.scalar(sa.select(checkpoints.c.seal))
    assert seal is not None
    assert key_of(seal) == later.seals.keyring.ids[0]
    assert later.checkpoint(1) == before
    assert [*later.altered_checkpoints()] == []


def test_a_checkpoint_that_was_changed_is_told(
    ledger: SqlLedger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Itself, what it saw, or one that is missing.
    """
    accepted(ledger, "P-1")
    noted(ledger, clock)
    accepted(ledger, "P-2")
    noted(ledger, clock)
    noted(ledger, clock)
    assert [*ledger.altered_checkpoints()] == []

    def told(statement: str) -> list[int]:
        with engine.connect() as conn:
            take_fences_away(conn)
            assert conn.execute(sa.text(statement)).rowcount > 0
            conn.commit()
        return [*ledger.altered_checkpoints()]

    assert told("UPDATE checkpoints SET payouts = 9 WHERE id = 1") == [1]
    assert told("DELETE FROM checkpoint_histories WHERE checkpoint_id = 2") == [1, 2]
    assert told("DELETE FROM checkpoints WHERE id = 2") == [1, 2, 3]

import contextlib
import dataclasses
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.samples import KEYRING, VirtualClock, migrated
from tests.doubles.ledger import MemoryLedger
from tests.doubles.world import Clock
from tests.hostile import damage
from tests.hostile.content import AMOUNT, MERCHANT
from tests.hostile.signing import KEY
from tests.hostile.trial import Trial, resident_mib
from tests.servers import Databases
from worker.jdpay import answer, notice
from worker.jdpay.answer import from_reply
from worker.jdpay.signature import SignKey
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Answer
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger

MESSAGES = 10_000
SEED = 1


def a_trial() -> Trial:
    """
    A trial over a ledger in memory.
    """
    clock = Clock()
    return Trial(MemoryLedger(clock), lambda: clock.advance(seconds=1))


def test_no_message_does_what_was_not_signed() -> None:
    """
    Nothing raises, nothing unsigned or about something else moves, and memory stays bounded.
    """
    before = resident_mib()
    tally = a_trial().run(SEED, MESSAGES)

    assert tally.faults == []
    assert sum(tally.kinds.values()) == MESSAGES
    assert min(tally.kinds.values()) > MESSAGES / 40
    # Many are right, and do what they say: a reader that believes nothing would be no use.
    assert tally.verified > MESSAGES / 10
    assert tally.moved > MESSAGES / 10
    assert tally.acknowledged > MESSAGES / 50
    assert resident_mib() - before < 200


@pytest.fixture
def sql_ledger(databases: Databases) -> Iterator[SqlLedger]:
    """
    A ledger over a database of either kind.
    """
    clock = VirtualClock()
    engine = create_engine(databases.prepared(migrated))
    with contextlib.closing(SqlLedger(engine, KEYRING, clock.told)) as ledger:
        yield ledger


def test_what_is_believed_can_be_stored(sql_ledger: SqlLedger) -> None:
    """
    No message holds anything that a database refuses.
    """
    tally = Trial(sql_ledger, lambda: None).run(SEED + 1, 400)

    assert tally.faults == []
    assert tally.verified > 0


@pytest.mark.parametrize(
    "harm", [damage.swell, damage.nest, damage.double], ids=lambda f: f.__name__
)
def test_a_huge_message_takes_bounded_memory(harm: Any) -> None:
    """
    Reading a body of up to two megabytes takes less than fifty at any moment.
    """
    dice = random.Random(SEED)
    key = SignKey(KEY)
    bodies = [harm(dice, dice.choice((b'{"a": "1"}', b"a=1&b=2"))) for _ in range(15)]
    tracemalloc.start()
    try:
        for body in bodies:
            with contextlib.suppress(MaybeSent):
                from_reply(body, key)
            notice.read(body, key)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 50 * 2**20


def _believe_anybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SignKey, "verify", lambda _self, _fields: True)


def _believe_any_amount(patch: pytest.MonkeyPatch) -> None:
    right = answer.believe

    def believe(*given: Any) -> Answer:
        return dataclasses.replace(right(*given), amount_fen=AMOUNT, merchant=MERCHANT)

    patch.setattr(answer, "believe", believe)


def _believe_what_is_not_covered(patch: pytest.MonkeyPatch) -> None:
    right = SignKey.verify

    def verify(self: SignKey, fields: dict[str, str | None]) -> bool:
        return right(self, {n: v for n, v in fields.items() if n != "trade_status"})

    patch.setattr(SignKey, "verify", verify)


@pytest.mark.parametrize(
    "plant",
    [_believe_anybody, _believe_any_amount, _believe_what_is_not_covered],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_fault_is_found(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With a guard taken out, the corpus finds it.
    """
    plant(monkeypatch)

    assert a_trial().run(SEED, 1_000).faults != []

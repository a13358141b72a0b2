"""
As much to the same payee for another debt, shortly after: a person looks first.
"""

import functools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEY, PAYEE, TERMS, VirtualClock, accepted, an_order
from tests.contract.stories import withdrawn
from tests.contract.test_races import at_once
from worker.payouts.acceptance import Entry
from worker.payouts.model import CaseKind
from worker.payouts.policy.actions import Action, decide
from worker.payouts.status import PayoutStatus, Reason
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.tables import payouts
from worker.usecases.keys import rotate
from worker.usecases.ports import Ledger

A_DAY = timedelta(hours=24)
HELD, QUEUED = PayoutStatus.HELD, PayoutStatus.QUEUED


def take(
    ledger: Ledger, number: str, within: timedelta = A_DAY, **changes: Any
) -> PayoutStatus | None:
    """
    Accept a job; the status that its payout has, if it becomes one.
    """
    entry = Entry(an_order(number, **changes), duplicates_within=within)
    (payout_id,) = ledger.accept([entry], TERMS)
    return None if payout_id is None else ledger.dossier(payout_id).payout.status


def test_the_second_is_held_with_a_case(ledger: Ledger) -> None:
    """
    Whoever asks for it, under another number and another debt; both moves are told.
    """
    assert take(ledger, "P-1") is QUEUED

    assert take(ledger, "P-2", producer="another") is HELD

    second = ledger.payouts(HELD, 1)[0]
    assert (second.reason, second.next_send_at) == (Reason.DUPLICATE, None)
    assert [case.kind for case in ledger.dossier(second.id).open_cases] == [CaseKind.DUPLICATE]
    assert [(move.to_status, move.actor) for move in ledger.history(second.id)] == [
        (QUEUED, "another"),
        (HELD, "duplicates"),
    ]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount_fen": 12_346}, QUEUED),
        ({"payee": replace(PAYEE, account_no="6222021234567890001")}, QUEUED),
        ({"payee": replace(PAYEE, account_name="李四")}, QUEUED),
        ({"payee": replace(PAYEE, mobile=None, bank_code="ABC")}, HELD),
    ],
    ids=["amount", "account", "name", "bank"],
)
def test_what_makes_two_alike(
    ledger: Ledger, changes: dict[str, Any], status: PayoutStatus
) -> None:
    """
    Account number, name and amount; nothing else that is known of a payee.
    """
    take(ledger, "P-1")

    assert take(ledger, "P-2", **changes) is status


def test_a_part_of_the_same_debt_is_not_held(ledger: Ledger) -> None:
    """
    Two halves of what is owed are two payments, as the debt itself allows.
    """
    halves: dict[str, Any] = {"obligation": "ORDER", "owed_fen": 24_690}

    assert take(ledger, "P-1", **halves) is QUEUED
    assert take(ledger, "P-2", **halves) is QUEUED
    assert take(ledger, "P-3") is HELD


@pytest.mark.parametrize(("hours", "status"), [(23.9, HELD), (24, QUEUED)])
def test_for_how_long_it_is_asked(
    ledger: Ledger, clock: VirtualClock, hours: float, status: PayoutStatus
) -> None:
    """
    A day after the first was accepted it is another payment.
    """
    take(ledger, "P-1")
    clock.advance(hours=hours)

    assert take(ledger, "P-2") is status


def test_it_can_be_switched_off(ledger: Ledger) -> None:
    """
    A span of nothing holds nothing.
    """
    assert take(ledger, "P-1") is QUEUED
    assert take(ledger, "P-2", timedelta(0)) is QUEUED


def test_what_was_withdrawn_is_no_payment(ledger: Ledger) -> None:
    """
    A job that was corrected may be handed in anew under another number.
    """
    withdrawn(ledger, accepted(ledger))

    assert take(ledger, "P-2") is QUEUED


def test_what_is_held_counts(ledger: Ledger) -> None:
    """
    The third is held beside the second, and of several in one commit all but the first.
    """
    entries = [Entry(an_order(f"P-{n}"), duplicates_within=A_DAY) for n in range(3)]

    ids = ledger.accept(entries, TERMS)

    found = [ledger.dossier(one).payout.status for one in ids if one is not None]
    assert found == [QUEUED, HELD, HELD]


def test_once_let_go_it_is_sent(ledger: Ledger) -> None:
    """
    A person has looked: it is not held again.
    """
    take(ledger, "P-1")
    take(ledger, "P-2")
    dossier = ledger.dossier(ledger.payouts(HELD, 1)[0].id)

    ledger.carry_out(dossier, decide(Action.LET_GO, dossier, "cli:mei", "both are wanted"))

    after = ledger.dossier(dossier.payout.id)
    assert (after.payout.status, after.open_cases) == (QUEUED, ())
    assert after.payout.next_send_at is not None


def test_of_many_at_once_one_is_queued(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    Sixteen doors take the same payment for sixteen debts at the same time.
    """
    del engine
    # Each has its connection before they begin.
    at_once(16, lambda number: take(ledger, f"BEFORE-{number}", amount_fen=100 + number))

    def alike(turn: int, number: int) -> PayoutStatus | None:
        return take(ledger, f"P-{turn}-{number}", amount_fen=1_000 + turn)

    for turn in range(5):
        found = at_once(16, functools.partial(alike, turn))
        assert sorted(status for status in found if status) == [HELD] * 15 + [QUEUED]


def test_a_payee_is_found_by_a_keyed_digest(ledger: SqlLedger, engine: sa.Engine) -> None:
    """
    It names its key, and says nothing to whoever lacks it; equal payees have equal ones.
    """
    take(ledger, "P-1")
    take(ledger, "P-2", payee=replace(PAYEE, account_name=" 张三丰"))
    with engine.begin() as conn:
        first, second = conn.scalars(sa.select(payouts.c.payee_digest))

    assert first == second
    assert first[:8] == Keyring([KEY]).ids[0]
    assert len(first) == 40


def test_it_is_found_by_whatever_key_it_was_stored(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    Before all is sealed anew, and after it, when the old key is gone.
    """
    new = Keyring.generate_key()
    both = Keyring([new, KEY])
    take(SqlLedger(engine, Keyring([KEY]), clock.told), "P-1")

    assert take(SqlLedger(engine, both, clock.told), "P-2") is HELD

    rotate(SqlLedger(engine, both, clock.told), "mei", lambda *_: None)
    assert take(SqlLedger(engine, Keyring([new]), clock.told), "P-3") is HELD

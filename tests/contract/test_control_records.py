"""
The records of controls: counted exactly by many at once, and vouched for.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    KEY,
    KEYRING,
    LEASE,
    PAYEE,
    TERMS,
    VirtualClock,
    accept,
    accepted,
    an_order,
    claimed,
    try_claim,
)
from tests.contract.test_controls import HELD, LAN, MEI, OTHER, deny, held, limit, make_live
from tests.contract.test_races import at_once
from tests.doubles.owner import take_fences_away
from tests.factories import a_claimant
from worker.payouts.control_change import ProducerLimits
from worker.payouts.errors import BrokenSeal, NotAllowed, WrongKey
from worker.payouts.status import PayoutStatus
from worker.store.control_tables import control_changes, producer_days
from worker.store.keyring import Keyring
from worker.store.keys import ensure_keyring
from worker.store.ledger import SqlLedger
from worker.store.tables import installation, payouts
from worker.usecases.controls import Controller
from worker.usecases.keys import rotate


@pytest.fixture(autouse=True)
def sealed(engine: sa.Engine) -> None:
    """
    The database has a sample, as whoever starts makes sure.
    """
    ensure_keyring(engine, KEYRING)


def write(engine: sa.Engine, statement: sa.Executable) -> None:
    """
    What somebody writes who holds no key, and whom no trigger holds back.
    """
    with engine.begin() as conn:
        take_fences_away(conn)
        conn.execute(statement)


@pytest.mark.parametrize(
    ("limits", "fitting"),
    [({"day_fen": 5 * 12_345}, 5), ({"new_payees": 3}, 3)],
    ids=["sum", "payees"],
)
def test_sixteen_workers_count_exactly(
    ledger: SqlLedger, limits: dict[str, Any], fitting: int
) -> None:
    """
    Each works for another merchant, so nothing but the producer's day is between them.
    """
    limit(ledger, **limits)
    ids = [
        accept(
            ledger,
            an_order(f"P-{n}", payee=replace(PAYEE, account_no=f"62220212345678{n:05}")),
            replace(TERMS, customer_no=f"merchant{n}"),
        )
        for n in range(16)
    ]

    def work(number: int) -> int:
        found, claimant = ids[number], a_claimant("canonical", f"worker-{number}", LEASE)
        assert found is not None
        mine = replace(claimant, customer_no=f"merchant{number}")
        return len(ledger.claim([found], mine).claims)

    at_once(16, lambda _number: ledger.check_writable())

    assert sum(at_once(16, work)) == fitting
    assert len(ledger.payouts(HELD, 100)) == 16 - fitting


# --- what is vouched for


def raised(engine: sa.Engine) -> None:
    """
    A limit is a thousand times what it was.
    """
    write(engine, sa.update(control_changes).values(day_fen=10_000_000))


def lifted(engine: sa.Engine) -> None:
    """
    The record of a limit is gone.
    """
    write(engine, sa.delete(control_changes))


def ended(engine: sa.Engine) -> None:
    """
    The record of a limit says that it never came into force.
    """
    write(engine, sa.update(control_changes).values(approved_at=None))


def unlisted(engine: sa.Engine) -> None:
    """
    The sample is gone as well.
    """
    lifted(engine)
    write(engine, sa.update(installation).values(sealed_sample=None))


@pytest.mark.parametrize("tamper", [raised, lifted, ended, unlisted])
@pytest.mark.parametrize("begins_anew", [False, True])
def test_whoever_changes_a_limit_has_nothing_sent(
    engine: sa.Engine,
    ledger: SqlLedger,
    clock: VirtualClock,
    tamper: Callable[[sa.Engine], None],
    begins_anew: bool,
) -> None:
    """
    A process that knew the limit goes by it; one that reads it anew claims nothing at all.
    """
    limit(ledger, day_fen=10_000)
    payout = accepted(ledger)
    tamper(engine)
    if begins_anew:
        ledger = SqlLedger(engine, KEYRING, clock.told)
        if tamper is unlisted:
            with pytest.raises(BrokenSeal):
                ensure_keyring(engine, KEYRING)
            return

    with contextlib.suppress(BrokenSeal):
        assert held(ledger, payout)
    assert ledger.dossier(payout.id).attempts == ()


def test_a_denied_payee_who_was_taken_off_without_a_key_is_not_paid(
    engine: sa.Engine, ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    The job is taken in, since it may be right; nothing is sent, and a person is told.
    """
    deny(ledger)
    write(engine, sa.delete(control_changes))
    fresh = SqlLedger(engine, KEYRING, clock.told)

    payout = accepted(fresh)

    assert payout.status is PayoutStatus.QUEUED
    with pytest.raises(BrokenSeal):
        try_claim(fresh, payout)


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(producer_days).values(claimed_fen=0),
        sa.update(producer_days).values(day="2026-03-01"),
        sa.update(producer_days).values(new_payees=0),
        sa.delete(producer_days),
    ],
    ids=["sum", "day", "payees", "deleted"],
)
def test_a_count_that_was_changed_has_nothing_sent(
    engine: sa.Engine, ledger: SqlLedger, statement: sa.Executable
) -> None:
    """
    Of that producer's; to set its limits again counts anew.
    """
    limit(ledger, day_fen=20_000, new_payees=9)
    claimed(ledger, accepted(ledger, "P-1"))
    write(engine, statement)

    with pytest.raises(BrokenSeal):
        try_claim(ledger, accepted(ledger, "P-2"))
    assert not held(ledger, accepted(ledger, "OTHER", producer="another"))

    limit(ledger, day_fen=19_999)
    assert held(ledger, accepted(ledger, "P-3"))
    assert not held(ledger, accepted(ledger, "P-4", amount_fen=10))


def test_a_payee_does_not_pass_for_one_who_was_paid(engine: sa.Engine, ledger: SqlLedger) -> None:
    """
    Though somebody writes its digest into the row of another: who is found is opened.
    """
    claimed(ledger, accepted(ledger, "BEFORE"))
    limit(ledger, new_payees=0)
    payout = accepted(ledger, "P-1", payee=OTHER)
    digest = sa.select(payouts.c.payee_digest).where(payouts.c.id == payout.id).scalar_subquery()
    write(engine, sa.update(payouts).values(payee_digest=digest))

    assert held(ledger, payout)


def test_two_people_confirm_what_stands(
    engine: sa.Engine, ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    Nothing else is changed before; what waited and what cannot be read is void.
    """
    make_live(ledger)
    ensure_keyring(engine, KEYRING)
    limit(ledger, day_fen=10_000)
    deny(ledger)
    limit(ledger, day_fen=20_000)
    with pytest.raises(NotAllowed, match="nothing to confirm"):
        Controller(ledger, MEI).confirm("in vain")
    write(engine, sa.update(control_changes).values(why="because", sealed_payee=b"junk"))
    ledger = SqlLedger(engine, KEYRING, clock.told)
    for change in (
        lambda: limit(ledger, day_fen=5),
        lambda: deny(ledger, OTHER.account_no),
        lambda: ledger.approve_change(3, LAN),
    ):
        with pytest.raises((NotAllowed, BrokenSeal)):
            change()

    waiting = Controller(ledger, MEI).confirm("compared with the minutes")
    with pytest.raises(BrokenSeal):
        ledger.controls()
    with pytest.raises(NotAllowed, match="another person"):
        ledger.approve_change(waiting.id, MEI)
    ledger.approve_change(waiting.id, LAN)

    assert ledger.controls().limits == {"shop": ProducerLimits(day_fen=10_000)}
    assert not ledger.controls().denied
    assert [change.voided_at is None for change in ledger.control_changes()] == [
        True,
        False,
        False,
        True,
    ]
    assert held(ledger, accepted(ledger))


def test_controls_outlive_a_key(engine: sa.Engine, ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Sealed anew, limits and deny list hold as before, and the old key is needed no more.
    """
    limit(ledger, day_fen=10_000)
    deny(ledger, OTHER.account_no)
    new = Keyring.generate_key()
    before = ledger.controls()
    rotate(SqlLedger(engine, Keyring([new, KEY]), clock.told), "mei", lambda *_: None)

    fresh = SqlLedger(engine, Keyring([new]), clock.told)

    assert fresh.controls() == before
    with pytest.raises(WrongKey):  # whoever lacks the key cannot say what is in force
        ledger.controls()
    assert held(fresh, accepted(fresh, "P-1"))
    assert accepted(fresh, "P-2", payee=OTHER).status is HELD


def test_without_controls_a_claim_takes_one_statement_more(
    engine: sa.Engine, ledger: SqlLedger
) -> None:
    """
    It reads one value; not even the changes, once they are known, nor any count.
    """
    limit(ledger, day_fen=10_000)
    told: list[str] = []
    for number in ("P-1", "P-2"):
        payout = accepted(ledger, number, producer="another")
        told.clear()
        sa.event.listen(engine, "before_cursor_execute", lambda *call: told.append(call[2]))
        claimed(ledger, payout)

    asked = [one for one in told if "sealed_sample" in one or "control_changes" in one]
    assert len({*asked}) == 1
    assert not any("producer_days" in one or "payee_digest IN" in one for one in told)

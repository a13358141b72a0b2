"""
A producer's own payouts: over every ledger, none of anybody else's.
"""

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    KEYRING,
    MERCHANT,
    NOON,
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    an_order,
)
from tests.contract.stories import asked, judged
from worker.payouts.acceptance import Entry
from worker.payouts.errors import BadKeyring, NoSuchPayout, WrongKey
from worker.payouts.evidence import TradeStatus
from worker.payouts.own import Wanted
from worker.payouts.policy.actions import Action, decide
from worker.payouts.status import PayoutStatus
from worker.store.keyring import NoKeyring
from worker.store.ledger import SqlLedger
from worker.usecases.ports import Ledger

OTHER_MERCHANT = dataclasses.replace(TERMS, customer_no="360080000000000002")


def given(ledger: Ledger, number: str, producer: str = "shop", **changes: object) -> int:
    """
    The id of a payout of that producer's.
    """
    payout_id = accept(ledger, an_order(number, producer=producer, **changes))
    assert payout_id is not None
    return payout_id


ALL = Wanted()


def numbers(ledger: Ledger, wanted: Wanted = ALL, limit: int = 10) -> list[str]:
    """
    The numbers that the shop is told, in their order.
    """
    found = ledger.own_payouts(MERCHANT, "shop", wanted, limit)
    return [own.dossier.payout.out_trade_no for own in found]


def test_a_producer_finds_its_own(ledger: Ledger) -> None:
    """
    By its number, with all that is known of it but what is sealed.
    """
    payout_id = given(ledger, "P-1")

    own = ledger.own_payout(MERCHANT, "shop", "P-1")

    assert own.dossier.payout == ledger.dossier(payout_id).payout
    assert (own.debt, own.others) == (None, ())


def test_anothers_payout_is_not_found(ledger: Ledger) -> None:
    """
    Nor another merchant's under the same producer's name; no more than one that there never was.
    """
    given(ledger, "P-1", "payroll")
    accept(ledger, an_order("P-2", producer="shop"), OTHER_MERCHANT)

    told = set()
    for number in ("P-1", "P-2", "P-3"):
        with pytest.raises(NoSuchPayout) as refused:
            ledger.own_payout(MERCHANT, "shop", number)
        told.add(str(refused.value))
        with pytest.raises(NoSuchPayout) as refused:
            ledger.own_payouts(MERCHANT, "shop", Wanted(behind=number), 10)
        told.add(str(refused.value))
    assert len(told) == 1
    assert numbers(ledger) == []


def test_the_last_accepted_come_first(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Of those that were accepted in one moment, the last as well; as many as are asked for.
    """
    for number in ("P-1", "P-2"):
        given(ledger, number)
    clock.advance(minutes=1)
    given(ledger, "P-3", "payroll")
    given(ledger, "P-4")

    assert numbers(ledger) == ["P-4", "P-2", "P-1"]
    assert numbers(ledger, limit=2) == ["P-4", "P-2"]


def test_pages_lose_nothing_and_repeat_nothing(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Each page begins behind the last of the one before, whatever is accepted meanwhile.
    """
    for place in range(7):
        given(ledger, f"P-{place}")
        given(ledger, f"Q-{place}", "payroll")
        clock.advance(seconds=place % 2)
    pages, behind = [], None
    while page := numbers(ledger, Wanted(behind=behind), 3):
        pages.append(page)
        behind = page[-1]
        given(ledger, f"N-{len(pages)}")

    assert pages == [["P-6", "P-5", "P-4"], ["P-3", "P-2", "P-1"], ["P-0"]]


def test_a_filter_is_all_that_is_given(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Status, obligation in any form of its name, and a span of time that holds its first moment.
    """
    given(ledger, "P-1", obligation="invoice-7", amount_fen=1, owed_fen=10)
    clock.advance(hours=1)
    held = given(ledger, "P-2", obligation="invoice-7", amount_fen=2)
    clock.advance(hours=1)
    given(ledger, "P-3")
    dossier = ledger.dossier(held)
    ledger.carry_out(dossier, decide(Action.CANCEL, dossier, "cli:mei", "wrong"))
    hour = timedelta(hours=1)

    assert numbers(ledger, Wanted(status=PayoutStatus.CANCELLED)) == ["P-2"]
    assert numbers(ledger, Wanted(obligation="invoice-７")) == ["P-2", "P-1"]
    assert numbers(ledger, Wanted(obligation="invoice-8")) == []
    assert numbers(ledger, Wanted(accepted_from=NOON + hour)) == ["P-3", "P-2"]
    assert numbers(ledger, Wanted(accepted_before=NOON + hour)) == ["P-1"]
    assert numbers(
        ledger,
        Wanted(
            PayoutStatus.QUEUED, "invoice-7", accepted_from=NOON, accepted_before=NOON + 9 * hour
        ),
    ) == ["P-1"]


def test_a_freed_debt_comes_with_all_that_pay_it(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Whosever they are, since what they leave counts; of a debt that is not freed, nothing.
    """
    freed = given(ledger, "P-1", obligation="invoice-7", owed_fen=99_999)
    other = given(ledger, "Q-1", "payroll", obligation="invoice-7")
    dossier = ledger.dossier(freed)
    ledger.carry_out(dossier, decide(Action.CANCEL, dossier, "cli:mei", "wrong"))
    assert ledger.own_payout(MERCHANT, "shop", "P-1").debt is None
    dossier = ledger.dossier(freed)
    ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "cli:mei", "never sent"))

    own = ledger.own_payout(MERCHANT, "shop", "P-1")

    assert own.debt == ledger.obligation("invoice-7")
    assert [dossier.payout.id for dossier in own.others] == [other]


def test_without_a_key_all_is_told_but_what_is_sealed(
    ledger: Ledger, engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Status, cases and what JD told, of a payout whose payee and messages open for nobody here.
    """
    payout = ledger.dossier(given(ledger, "P-1")).payout
    judged(ledger, payout)
    answer = a_verified_answer(amount_fen=payout.amount_fen)
    asked(ledger, clock, payout, answer)
    keyless = SqlLedger(engine, NoKeyring(), clock.told)

    own = keyless.own_payout(MERCHANT, "shop", "P-1").dossier

    seen = SqlLedger(engine, KEYRING, clock.told).dossier(payout.id)
    assert own.payout == seen.payout
    assert own.open_cases == seen.open_cases
    assert [piece.answer.trade_status for piece in own.evidence] == [TradeStatus.ACSU]
    assert [piece.answer.raw for piece in own.evidence] == [b""]
    with pytest.raises(WrongKey):
        keyless.order(payout.id)
    with pytest.raises(BadKeyring):
        keyless.accept([Entry(an_order("P-2"))], TERMS)

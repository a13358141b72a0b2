"""
What a ledger does with orders.
"""

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    MERCHANT,
    NOON,
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    claimed,
    in_review,
    try_claim,
)
from tests.contract.stories import judged
from worker.payouts.errors import IllegalMove, NoSuchPayout
from worker.payouts.model import CaseKind, Order, Rejection
from worker.payouts.status import PayoutStatus, Reason
from worker.store.ledger import SqlLedger
from worker.usecases.ports import Ledger


def test_a_ledger_is_what_the_use_cases_ask_for(ledger: SqlLedger) -> None:
    """
    The SQL ledger satisfies the port, as far as types can tell.
    """
    port: Ledger = ledger

    assert port.now() == NOON


def test_an_accepted_order_is_queued_and_due_at_once(ledger: SqlLedger) -> None:
    """
    Acceptance writes an unexposed queued payout, due now, without payee data.
    """
    payout = accepted(ledger)

    assert payout.terms == TERMS
    assert (payout.status, payout.reason) == (PayoutStatus.QUEUED, Reason.ACCEPTED)
    assert (payout.exposed, payout.version) == (False, 1)
    assert payout.accepted_at == payout.updated_at == payout.next_send_at == NOON
    assert payout.next_query_at is None
    assert payout.payee_masked == "6222 **** **** 7312"
    assert ledger.order(payout.id).subject == "张三丰的提现"


def test_acceptance_is_the_first_transition(ledger: SqlLedger) -> None:
    """
    The history begins with acceptance, by the producer.
    """
    payout = accepted(ledger)

    (first,) = ledger.history(payout.id)

    assert (first.from_status, first.to_status) == (None, PayoutStatus.QUEUED)
    assert (first.reason, first.actor, first.at) == (Reason.ACCEPTED, "shop", NOON)


@pytest.mark.parametrize(
    "order",
    [
        an_order(),
        an_order(
            biz_trade_no="B-1",
            return_params="回传",
            metadata={"备注": "a\x00b"},
            send_before=NOON + timedelta(hours=24),
        ),
    ],
    ids=["plain", "everything"],
)
def test_an_order_comes_back_as_it_was(ledger: SqlLedger, order: Order) -> None:
    """
    What the producer asked for is returned field by field, payee included.
    """
    payout_id = accept(ledger, order)

    assert payout_id is not None
    assert ledger.order(payout_id) == order


def test_a_number_is_accepted_once(ledger: SqlLedger) -> None:
    """
    A second order under the same number writes nothing.
    """
    first = accepted(ledger)

    assert accept(ledger, an_order(obligation="another")) is None
    assert ledger.payouts(None, 10) == [first]


def test_another_merchant_may_use_the_same_number(ledger: SqlLedger) -> None:
    """
    Numbers belong to one merchant; a debt does not, so that no merchant pays another's again.
    """
    accepted(ledger)

    other = dataclasses.replace(TERMS, customer_no="another")

    assert accept(ledger, an_order(), other) is None
    assert accept(ledger, an_order(obligation="another debt"), other) is not None


def test_an_obligation_is_paid_by_one_payout(ledger: SqlLedger) -> None:
    """
    A second number for an obligation that is not released is refused, and the first is found.
    """
    first = accepted(ledger, obligation="invoice-7")

    assert accept(ledger, an_order("P-2", obligation="invoice-7")) is None
    assert ledger.holders_of("invoice-7") == [first]
    assert ledger.holders_of("invoice-8") == []


def test_a_payout_is_found_by_its_number(ledger: SqlLedger) -> None:
    """
    A number finds its payout, and nothing for a stranger.
    """
    payout = accepted(ledger)

    assert ledger.find(MERCHANT, "P-1") == payout
    assert ledger.find(MERCHANT, "P-2") is None


def test_the_request_is_there_from_the_first_claim_on(ledger: SqlLedger) -> None:
    """
    No request is stored before a claim, and the claimed one afterwards.
    """
    payout = accepted(ledger)

    assert ledger.request(payout.id) is None
    claimed(ledger, payout)
    assert ledger.request(payout.id) == "canonical"


@pytest.mark.parametrize("lookup", ["dossier", "order", "request"])
def test_a_stranger_is_no_payout(ledger: SqlLedger, lookup: str) -> None:
    """
    Asking for a payout that is not there says so.
    """
    with pytest.raises(NoSuchPayout):
        getattr(ledger, lookup)(404)


def test_payouts_are_listed_newest_first(ledger: SqlLedger) -> None:
    """
    A list has the newest payouts, at most as many as asked for, of the status asked for.
    """
    first, second, third = (accepted(ledger, number) for number in ("P-1", "P-2", "P-3"))
    claimed(ledger, third)

    assert [payout.id for payout in ledger.payouts(None, 2)] == [third.id, second.id]
    assert ledger.payouts(PayoutStatus.QUEUED, 10) == [second, first]


def test_a_rejection_is_kept(ledger: SqlLedger) -> None:
    """
    A rejection comes back with the database's time and an id, the newest first.
    """
    rejection = Rejection(
        reason="invalid",
        faults=("payee.account_no: not digits",),
        size_bytes=321,
        sha256="ab" * 32,
        out_trade_no="P-1",
        producer="shop",
    )
    ledger.reject(rejection)
    ledger.reject(dataclasses.replace(rejection, reason="expired"))

    newest, oldest = ledger.rejections(10)

    assert newest.reason == "expired"
    assert dataclasses.replace(oldest, id=0, rejected_at=None) == rejection
    assert oldest.rejected_at == NOON
    assert ledger.rejections(1) == [newest]


def test_no_rejection_is_too_odd_to_be_kept(ledger: SqlLedger) -> None:
    """
    What a producer sent as a number or a field's name may hold anything at all.
    """
    ledger.reject(Rejection("invalid", ("a\x00\ud800: unknown",), 9, "ab" * 32, "P\x00\ud800"))

    (kept,) = ledger.rejections(10)

    assert (kept.out_trade_no, kept.faults) == ("P\\x00\\ud800", ("a\x00\ud800: unknown",))


def test_an_accepted_order_takes_up_what_was_notified_of_its_number(ledger: SqlLedger) -> None:
    """
    An orphan notification becomes evidence of the payout that is accepted under its number.
    """
    ledger.notify(MERCHANT, [a_verified_answer(number="P-1")])
    ledger.notify(MERCHANT, [a_verified_answer(number="P-2", raw=b"other")])

    payout = accepted(ledger, "P-1")

    (evidence,) = ledger.dossier(payout.id).evidence
    assert (evidence.answer.number, evidence.applied_at) == ("P-1", None)
    assert list(ledger.find_unapplied(10)) == [payout.id]


def test_what_needs_review_is_held_at_acceptance(ledger: Ledger) -> None:
    """
    Accepted and held in one step: both moves are told, it is not due, and a case is open.
    """
    dossier = in_review(ledger)

    payout = dossier.payout
    assert (payout.status, payout.reason) == (PayoutStatus.HELD, Reason.REVIEW)
    assert (payout.version, payout.next_send_at, payout.exposed) == (2, None, False)
    assert (payout.accepted_at, payout.updated_at) == (NOON, NOON)
    assert [
        (move.from_status, move.to_status, move.reason, move.actor)
        for move in ledger.history(payout.id)
    ] == [
        (None, PayoutStatus.QUEUED, Reason.ACCEPTED, "shop"),
        (PayoutStatus.QUEUED, PayoutStatus.HELD, Reason.REVIEW, "review list"),
    ]
    (case,) = dossier.open_cases
    assert (case.kind, case.evidence_id, case.opened_at) == (CaseKind.REVIEW, None, NOON)
    assert (case.customer_no, case.out_trade_no) == (MERCHANT, "P-1")
    assert ledger.order(payout.id) == an_order()
    assert ledger.health(MERCHANT).held == 1


def test_nobody_is_woken_for_what_is_held_at_acceptance(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    It is not due, now or later, it cannot be claimed, and lateness does not hold it once more.
    """
    payout = in_review(ledger).payout
    clock.advance(hours=72)

    assert ledger.find_due_sends(MERCHANT, 10) == []
    assert ledger.find_stale(10, timedelta(hours=24)) == []
    with pytest.raises(IllegalMove):
        try_claim(ledger, payout)
    assert ledger.dossier(payout.id).payout == payout


@pytest.mark.parametrize("taken", [{}, {"number": "P-2", "obligation": "P-1"}])
def test_what_is_taken_opens_no_case(ledger: Ledger, taken: dict[str, str]) -> None:
    """
    A number or an obligation that a payout has: nothing is written for the second one.
    """
    accepted(ledger)

    assert accept(ledger, an_order(**taken), for_review=True) is None
    assert ledger.cases(open_only=False, limit=10) == []
    assert [payout.status for payout in ledger.payouts(None, 10)] == [PayoutStatus.QUEUED]


def test_what_is_held_takes_up_what_was_notified_of_its_number(ledger: Ledger) -> None:
    """
    An orphan notification is judged as that of any other payout.
    """
    ledger.notify(MERCHANT, [a_verified_answer(number="P-1")])

    payout = in_review(ledger).payout

    assert list(ledger.find_unapplied(10)) == [payout.id]
    assert judged(ledger, payout).payout.status is PayoutStatus.PROCESSING


@pytest.mark.parametrize(
    "broken", ["UPDATE payouts", "INSERT INTO transitions", "INSERT INTO cases"]
)
def test_it_is_held_or_it_is_not_accepted(ledger: Ledger, engine: sa.Engine, broken: str) -> None:
    """
    Where the database gives up on the way, nothing is left: above all no payout that is queued.
    """

    def give_up(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(broken):
            raise ConnectionError("gone")

    sa.event.listen(engine, "before_cursor_execute", give_up)
    with pytest.raises(ConnectionError):
        accept(ledger, an_order(), for_review=True)
    sa.event.remove(engine, "before_cursor_execute", give_up)

    assert ledger.payouts(None, 10) == []
    assert in_review(ledger).payout.status is PayoutStatus.HELD

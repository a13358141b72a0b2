"""
A job becomes a payout once, or is told what stands in its way.
"""

from dataclasses import replace

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher
from tests.factories import PAYEE, an_order, at
from worker.payouts.acceptance import Accepted, Conflict, Same
from worker.payouts.model import Order, Rejection
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger


def test_a_job_is_accepted_and_a_worker_is_woken(
    service: UseCases, ledger: SqlLedger, dispatcher: RecordingDispatcher
) -> None:
    """
    Durable, queued, and left by the sweep for as long as a wake-up may take.
    """
    accepted = service.accept(an_order())

    assert isinstance(accepted, Accepted)
    payout = ledger.dossier(accepted.payout_id).payout
    assert (PayoutStatus.QUEUED, at(0.5)) == (payout.status, payout.next_send_at)
    assert [payout.id] == dispatcher.submits


def test_the_same_job_again_is_the_same_payout(
    service: UseCases, dispatcher: RecordingDispatcher
) -> None:
    """
    A producer may repeat itself without being told off, and nothing is done twice.
    """
    order = an_order(metadata={"k": "v"}, send_before=at(60))
    accepted = service.accept(order)

    assert isinstance(accepted, Accepted)
    assert Same(accepted.payout_id) == service.accept(order)
    assert [accepted.payout_id] == dispatcher.submits


@pytest.mark.parametrize(
    "later",
    [an_order(), an_order(amount_fen=1), an_order(producer="other")],
    ids=["same", "other amount", "other producer"],
)
def test_a_number_is_used_once(service: UseCases, later: Order) -> None:
    """
    Whatever comes under a known number, there is one payout of it.
    """
    service.accept(an_order())
    service.accept(later)

    assert len(service.ledger.payouts(None, 10)) == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"amount_fen": 1}, "amount_fen"),
        ({"subject": "other"}, "subject"),
        ({"producer": "other"}, "producer"),
        ({"obligation": "other"}, "obligation"),
        ({"payee": replace(PAYEE, account_no="6222021234567897313")}, "payee.account_no"),
    ],
)
def test_a_known_number_with_other_content_is_a_conflict(
    service: UseCases, changes: dict[str, object], fault: str
) -> None:
    """
    The fields that differ are named, their values are not.
    """
    service.accept(an_order())
    outcome = service.accept(an_order(**changes))

    assert (
        Conflict("number_reused", (f"{fault}: differs from the payout that has this number",))
        == outcome
    )


def test_an_obligation_is_paid_by_one_payout(service: UseCases) -> None:
    """
    A new number for what another payout pays already is a conflict that names that payout.
    """
    service.accept(an_order("P0000001", obligation="salary"))
    outcome = service.accept(an_order("P0000002", obligation="salary"))

    assert outcome == Conflict(
        "obligation_taken", ("obligation: P0000001 pays it already, 12345 of 12345 fen",)
    )


def test_a_job_whose_time_is_over_is_a_conflict(service: UseCases) -> None:
    """
    It is not accepted only to be held.
    """
    outcome = service.accept(an_order(send_before=at(0)))

    assert Conflict("expired", ("send_before: this moment has passed",)) == outcome
    assert service.ledger.payouts(None, 10) == []


def test_a_repeated_job_whose_time_is_over_is_still_the_same_payout(
    service: UseCases, clock: Clock
) -> None:
    """
    A producer that asks late whether its job arrived must not hear that it expired.
    """
    order = an_order(send_before=at(60))
    accepted = service.accept(order)
    clock.advance(hours=2)

    assert isinstance(accepted, Accepted)
    assert Same(accepted.payout_id) == service.accept(order)


def test_a_rejection_is_kept(service: UseCases) -> None:
    """
    What was not accepted leaves its trace.
    """
    service.reject(Rejection("invalid", ("amount_fen: is required",), 10, "ab" * 32))
    (kept,) = service.ledger.rejections(10)

    assert (kept.reason, kept.faults) == ("invalid", ("amount_fen: is required",))

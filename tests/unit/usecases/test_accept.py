"""
A job becomes a payout once, or is told what stands in its way.
"""

from dataclasses import replace

import pytest

from tests.doubles.usecases import UseCases, an_upkeep
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import NUMBER, PAYEE, TERMS, a_trade, an_order, at
from worker.payouts.acceptance import Accepted, Conflict, Same
from worker.payouts.evidence import TradeStatus
from worker.payouts.model import CaseKind, Order, Rejection
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import ReviewList
from worker.payouts.status import PayoutStatus, Reason
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator


def test_a_job_is_accepted_and_a_worker_is_woken(
    service: UseCases, ledger: SqlLedger, dispatcher: RecordingDispatcher
) -> None:
    """
    Durable, queued, due at once.
    """
    accepted = service.accept(an_order())

    assert isinstance(accepted, Accepted)
    payout = ledger.dossier(accepted.payout_id).payout
    assert (PayoutStatus.QUEUED, at(0)) == (payout.status, payout.next_send_at)
    assert dispatcher.woken == ["sender"]


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
    assert dispatcher.woken == ["sender"]


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
    outcome = service.accept(an_order(NUMBER, **changes))

    assert (
        Conflict("number_reused", (f"{fault}: differs from the payout that has this number",))
        == outcome
    )


@pytest.mark.parametrize("changes", [{}, {"amount_fen": 1, "subject": "other"}])
def test_another_producers_number_tells_nothing(
    service: UseCases, changes: dict[str, object]
) -> None:
    """
    Not what differs, nor that anything does, nor whose it is: only that the number is taken.
    """
    service.accept(an_order(producer="shop"))
    outcome = service.accept(an_order(NUMBER, producer="payroll", **changes))

    assert outcome == Conflict("number_in_use", ("out_trade_no: is taken: use another number",))


def test_another_producers_debt_tells_nothing(service: UseCases) -> None:
    """
    Neither numbers nor amounts of what pays it, nor what is owed, though its own payout shares it.
    """
    debt = {"obligation": "salary", "owed_fen": 20_000}
    service.accept(an_order("P0000001", producer="shop", **debt))
    service.accept(an_order("P0000002", producer="payroll", amount_fen=7_000, **debt))

    for changes in ({}, {"owed_fen": 30_000}):
        job = an_order("P0000003", producer="payroll", obligation="salary", **changes)
        assert service.accept(job) == Conflict(
            "obligation_taken",
            ("obligation: it is owed otherwise, or less of it is left than this pays",),
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


@pytest.fixture
def reviewing(
    handler: EvidenceHandler, gateway: ScriptedGateway, dispatcher: RecordingDispatcher
) -> UseCases:
    """
    The use cases of a merchant who looks at the sample payee's payouts first.
    """
    listed = ReviewList(frozenset({PAYEE.account_no}))
    return UseCases(handler, gateway, dispatcher, TERMS, listed)


def test_a_payee_on_the_review_list_waits_for_a_person(
    reviewing: UseCases, ledger: SqlLedger, dispatcher: RecordingDispatcher
) -> None:
    """
    Accepted, held with its case, and nobody is woken for it; another payee's is queued.
    """
    held = reviewing.accept(an_order("P0000001"))
    other = replace(PAYEE, account_no="6222021234567897313")
    queued = reviewing.accept(an_order("P0000002", payee=other))

    assert isinstance(held, Accepted)
    assert isinstance(queued, Accepted)
    dossier = ledger.dossier(held.payout_id)
    assert (dossier.payout.status, dossier.payout.reason) == (PayoutStatus.HELD, Reason.REVIEW)
    assert [case.kind for case in dossier.open_cases] == [CaseKind.REVIEW]
    assert ledger.dossier(queued.payout_id).payout.status is PayoutStatus.QUEUED
    assert dispatcher.woken == ["sender"]


def test_a_reviewed_job_again_is_the_same_payout(
    reviewing: UseCases, ledger: SqlLedger, dispatcher: RecordingDispatcher
) -> None:
    """
    A producer that repeats itself moves nothing, before a person decided or after.
    """
    held = reviewing.accept(an_order())
    assert isinstance(held, Accepted)
    assert Same(held.payout_id) == reviewing.accept(an_order())
    Operator(ledger, "cli:mei").act(Action.LET_GO, held.payout_id, "right payee")

    assert Same(held.payout_id) == reviewing.accept(an_order())
    assert ledger.dossier(held.payout_id).payout.status is PayoutStatus.QUEUED
    assert dispatcher.woken == []


def test_nothing_sends_what_is_held_for_review(
    reviewing: UseCases,
    handler: EvidenceHandler,
    ledger: SqlLedger,
    clock: Clock,
    gateway: ScriptedGateway,
) -> None:
    """
    Neither a message that asks for it, nor a sweep, nor the time that passes.
    """
    held = reviewing.accept(an_order(send_before=at(60)))
    assert isinstance(held, Accepted)

    for _ in range(3):
        reviewing.submit(held.payout_id)
        an_upkeep(handler, ledger).run()
        assert not reviewing.sweep().sends
        clock.advance(days=1)

    dossier = ledger.dossier(held.payout_id)
    assert (dossier.payout.status, dossier.payout.reason) == (PayoutStatus.HELD, Reason.REVIEW)
    assert [case.kind for case in dossier.open_cases] == [CaseKind.REVIEW]
    assert gateway.rendered == 0


def test_a_reviewed_payout_is_let_go_and_paid(
    reviewing: UseCases, ledger: SqlLedger, clock: Clock, gateway: ScriptedGateway
) -> None:
    """
    From there on it is like any other, however late that is, and no case stays open.
    """
    held = reviewing.accept(an_order(send_before=at(60)))
    assert isinstance(held, Accepted)
    clock.advance(days=3)
    Operator(ledger, "cli:mei").act(Action.LET_GO, held.payout_id, "right payee")
    gateway.replies = [a_trade(TradeStatus.FINI)]

    assert reviewing.sweep().sends
    reviewing.submit(held.payout_id)

    dossier = ledger.dossier(held.payout_id)
    assert (dossier.payout.status, dossier.open_cases) == (PayoutStatus.PAID, ())
    assert len(gateway.sent) == 1

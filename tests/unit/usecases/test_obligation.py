"""
Debts through the use cases: what the first release paid twice, and what it could never pay.
"""

from datetime import timedelta

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import AMOUNT, TERMS, a_bare, a_trade, an_order
from worker.payouts.acceptance import Accepted, Conflict
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import CaseKind, Order
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import ReviewList
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

A, B, C = "P2026030200001", "P2026030200002", "P2026030200003"


def says(number: str, status: TradeStatus, **more: object) -> Answer:
    """
    JD's complete, signed word about a number of ours.
    """
    return a_trade(status, number=number, **more)


@pytest.fixture
def person(ledger: SqlLedger) -> Operator:
    """
    Someone at work.
    """
    return Operator(ledger, "cli:mei")


def order(number: str, amount_fen: int = AMOUNT, **more: object) -> Order:
    """
    A job that pays the one debt of these tests.
    """
    return an_order(number, amount_fen=amount_fen, obligation="SALARY-7", **more)


def asked(service: UseCases, gateway: ScriptedGateway, payout_id: int, answer: Answer) -> None:
    """
    JD answers one question.
    """
    gateway.answers.append(answer)
    service.query(payout_id)


@pytest.fixture
def closed(service: UseCases, gateway: ScriptedGateway, clock: Clock) -> int:
    """
    A payout that JD accepted, and closed in two queries a day apart.
    """
    gateway.replies.append(says(A, TradeStatus.ACSU))
    accepted = service.accept(order(A))
    assert isinstance(accepted, Accepted)
    service.submit(accepted.payout_id)
    clock.advance(minutes=10)
    asked(service, gateway, accepted.payout_id, says(A, TradeStatus.CLOS))
    clock.advance(hours=25)
    asked(service, gateway, accepted.payout_id, says(A, TradeStatus.CLOS))
    return accepted.payout_id


def freed_by(way: str, person: Operator, service: UseCases, payout_id: int, number: str = B) -> int:
    """
    The payout that pays instead: by replacement, or by release and a new job.
    """
    if way == "replacement":
        done = person.replace(payout_id, order(number), TERMS, "right card", ReviewList())
        assert done.replacement is not None
        return done.replacement.id
    person.act(Action.RELEASE, payout_id, "right card")
    accepted = service.accept(order(number))
    assert isinstance(accepted, Accepted)
    return accepted.payout_id


@pytest.mark.parametrize("way", ["replacement", "release"])
@pytest.mark.parametrize("source", ["notification", "query"])
def test_a_late_success_stops_the_payout_that_pays_instead(
    closed: int,
    person: Operator,
    service: UseCases,
    gateway: ScriptedGateway,
    *,
    handler: EvidenceHandler,
    ledger: SqlLedger,
    way: str,
    source: str,
) -> None:
    """
    Closed twice, freed while sending is paused, then paid after all: the other one is not sent.
    """
    ledger.pause(TERMS.customer_no, "drill", "test")
    new = freed_by(way, person, service, closed)
    if source == "notification":
        handler.notify(says(A, TradeStatus.FINI))
    else:
        asked(service, gateway, closed, says(A, TradeStatus.FINI))
    ledger.resume(TERMS.customer_no, "over", "test")
    sent = len(gateway.sent)

    service.submit(new)
    service.submit(new)

    assert len(gateway.sent) == sent
    dossier = ledger.dossier(new)
    assert dossier.payout.status is PayoutStatus.QUEUED
    assert [case.kind for case in dossier.open_cases] == [CaseKind.OVERPAYMENT]
    assert dossier.open_cases[0].evidence_id is not None


def test_looking_at_the_case_sends_nothing_either(
    closed: int,
    person: Operator,
    service: UseCases,
    gateway: ScriptedGateway,
    handler: EvidenceHandler,
    ledger: SqlLedger,
) -> None:
    """
    A closed case is asked again at the next claim; only withdrawing the payout ends it.
    """
    new = freed_by("release", person, service, closed)
    handler.notify(says(A, TradeStatus.FINI))
    service.submit(new)
    (case,) = ledger.dossier(new).open_cases
    sent = len(gateway.sent)

    person.close_case(case.id, Action.RESOLVE, "looked")
    service.submit(new)
    (again,) = ledger.dossier(new).open_cases
    person.close_case(again.id, Action.CANCEL, "paid already")

    assert again.id != case.id
    assert len(gateway.sent) == sent
    assert ledger.dossier(new).payout.status is PayoutStatus.CANCELLED


def test_withdrawing_closes_the_case_that_is_named_and_the_other(
    closed: int,
    person: Operator,
    service: UseCases,
    handler: EvidenceHandler,
    *,
    ledger: SqlLedger,
    clock: Clock,
) -> None:
    """
    An overpayment that nobody looked at for a day is late as well; both cases name who ended them.
    """
    new = freed_by("release", person, service, closed)
    handler.notify(says(A, TradeStatus.FINI))
    service.submit(new)
    clock.advance(hours=25)
    handler.apply_all(ledger.find_stale(9, handler.limits.send_within))
    overpaid, stale = ledger.dossier(new).open_cases

    case, _ = person.close_case(stale.id, Action.CANCEL, "paid already")

    assert (overpaid.kind, stale.kind) == (CaseKind.OVERPAYMENT, CaseKind.STALE)
    assert case.closed_at is not None
    assert ledger.dossier(new).open_cases == ()
    ends = [ledger.closing(one.id) for one in (stale, overpaid)]
    assert [(end.action, end.who) for end in ends if end] == [
        (Action.CANCEL, "cli:mei"),
        (Action.RESOLVE, "cli:mei"),
    ]


def test_an_old_word_is_asked_for_again_before_the_first_send(
    closed: int,
    person: Operator,
    service: UseCases,
    gateway: ScriptedGateway,
    *,
    ledger: SqlLedger,
    clock: Clock,
    dispatcher: RecordingDispatcher,
) -> None:
    """
    Freed on a fresh word, sent an hour later: JD is asked about the old one first.
    """
    new = freed_by("release", person, service, closed)
    clock.advance(hours=1)
    sent = len(gateway.sent)
    service.submit(new)
    waiting = ledger.dossier(new).payout
    dispatcher.woken.clear()
    service.sweep()
    woken = [*dispatcher.woken]
    gateway.answers.append(says(A, TradeStatus.CLOS))
    service.ask()
    clock.advance(seconds=31)
    service.sweep()
    gateway.replies.append(says(B, TradeStatus.ACSU))
    service.submit(new)

    assert waiting.status is PayoutStatus.QUEUED
    assert waiting.next_send_at == clock.now - timedelta(seconds=1)
    assert woken == ["querier"]
    assert len(gateway.asked) == 3
    assert len(gateway.sent) == sent + 1
    assert ledger.dossier(new).payout.status is PayoutStatus.PROCESSING


def test_jd_is_asked_about_a_refused_payout_too(
    person: Operator,
    service: UseCases,
    gateway: ScriptedGateway,
    clock: Clock,
    *,
    ledger: SqlLedger,
) -> None:
    """
    Refused, unknown to JD, released, and an hour later it was paid after all: nothing is sent.
    """
    gateway.replies.append(a_bare(Meaning.PAYEE))
    accepted = service.accept(order(A))
    assert isinstance(accepted, Accepted)
    refused = accepted.payout_id
    service.submit(refused)
    clock.advance(hours=25)
    asked(service, gateway, refused, a_bare(Meaning.NOT_FOUND))
    new = freed_by("release", person, service, refused)
    clock.advance(hours=1)
    sent = len(gateway.sent)
    gateway.replies.append(says(B, TradeStatus.ACSU))
    service.submit(new)
    asked(service, gateway, refused, says(A, TradeStatus.FINI))
    clock.advance(seconds=31)
    service.submit(new)

    assert len(gateway.sent) == sent
    assert [case.kind for case in ledger.dossier(new).open_cases] == [CaseKind.OVERPAYMENT]


def test_without_an_answer_nothing_is_sent(
    closed: int, person: Operator, service: UseCases, gateway: ScriptedGateway, clock: Clock
) -> None:
    """
    However often it is tried: silence, and a signed word that says nothing, are no answer.
    """
    new = freed_by("release", person, service, closed)
    sent = len(gateway.sent)
    for _ in range(3):
        clock.advance(hours=1)
        service.submit(new)
        asked(service, gateway, closed, a_bare(Meaning.UNCLEAR))
        service.submit(new)

    assert len(gateway.sent) == sent


@pytest.mark.parametrize("way", ["replacement", "release"])
def test_nothing_is_freed_on_an_old_word(
    closed: int, person: Operator, service: UseCases, clock: Clock, way: str
) -> None:
    """
    Ten minutes after the question the answer no longer counts.
    """
    clock.advance(minutes=11)

    with pytest.raises(NotAllowed, match="asked anew"):
        freed_by(way, person, service, closed)


@pytest.fixture
def partly_returned(service: UseCases, gateway: ScriptedGateway, clock: Clock) -> int:
    """
    A payout that was paid, and of which 5000 fen came back.
    """
    gateway.replies.append(says(A, TradeStatus.FINI))
    accepted = service.accept(order(A))
    assert isinstance(accepted, Accepted)
    service.submit(accepted.payout_id)
    clock.advance(days=1)
    asked(service, gateway, accepted.payout_id, says(A, TradeStatus.REFU, refund_fen=5_000))
    return accepted.payout_id


def test_a_return_that_grows_after_its_replacement_can_be_paid(
    partly_returned: int,
    person: Operator,
    service: UseCases,
    gateway: ScriptedGateway,
    clock: Clock,
) -> None:
    """
    5000 of 12345 came back and were replaced; then the rest came back, and the rest may be paid.
    """
    person.replace(partly_returned, order(B, 5_000), TERMS, "right card", ReviewList())
    too_early = service.accept(order(C, AMOUNT - 5_000))
    clock.advance(days=1)
    asked(service, gateway, partly_returned, says(A, TradeStatus.REFU, refund_fen=AMOUNT))
    too_much = service.accept(order(C, AMOUNT - 4_999))
    rest = service.accept(order(C, AMOUNT - 5_000))

    assert isinstance(too_early, Conflict)
    assert isinstance(too_much, Conflict)
    assert isinstance(rest, Accepted)


def test_a_split_is_paid_up_to_what_is_owed(
    service: UseCases, gateway: ScriptedGateway, ledger: SqlLedger
) -> None:
    """
    Several payouts share a debt; the one that would be too much is refused and says why.
    """
    first = service.accept(order(A, 4_000, owed_fen=10_000))
    second = service.accept(order(B, 5_000, owed_fen=10_000))
    refused = service.accept(order(C, 1_001, owed_fen=10_000))
    changed = service.accept(order(C, 1_000, owed_fen=11_000))
    for number, accepted in ((A, first), (B, second)):
        assert isinstance(accepted, Accepted)
        gateway.replies.append(says(number, TradeStatus.ACSU, amount_fen=len(number)))
        service.submit(accepted.payout_id)

    assert isinstance(refused, Conflict)
    assert refused.faults == (f"obligation: {A}, {B} pays it already, 9000 of 10000 fen",)
    assert isinstance(changed, Conflict)
    assert "owed_fen: 10000 fen are owed" in changed.faults[0]
    assert len(gateway.sent) == 2
    debt = ledger.obligation("SALARY-7")
    assert debt is not None
    assert (debt.owed_fen, debt.committed_fen) == (10_000, 9_000)


def test_a_split_whose_part_was_released_and_paid_after_all(
    closed: int, service: UseCases, handler: EvidenceHandler, person: Operator
) -> None:
    """
    What the payee of a released payout kept is not paid again by any number of parts.
    """
    person.act(Action.RELEASE, closed, "in parts")
    handler.notify(says(A, TradeStatus.FINI))

    assert isinstance(service.accept(order(B, 1)), Conflict)

"""
Sending: claimed before a socket opens, and every way in which it can end.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.samples import record
from tests.doubles.usecases import UseCases
from tests.doubles.world import (
    Clock,
    Died,
    HonestGateway,
    MortalLedger,
    RecordingDispatcher,
    ScriptedGateway,
    Step,
)
from tests.factories import (
    MERCHANT,
    NOON,
    TERMS,
    a_bare,
    a_trade,
    an_answer,
    an_order,
)
from worker.payouts.acceptance import Accepted
from worker.payouts.errors import MaybeSent, NoSuchPayout, NotSent
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Payout
from worker.payouts.status import PayoutStatus, Reason
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler

NOT_FOUND = a_bare(Meaning.NOT_FOUND)
UNSIGNED = an_answer(verified=False)


def accepted(service: UseCases, number: str = "P0000001") -> int:
    """
    The id of a payout that waits to be sent.
    """
    outcome = service.accept(an_order(number))
    assert isinstance(outcome, Accepted)
    return outcome.payout_id


@pytest.fixture
def payout_id(service: UseCases) -> int:
    """
    A payout that waits to be sent.
    """
    outcome = service.accept(an_order())
    assert isinstance(outcome, Accepted)
    return outcome.payout_id


@pytest.mark.parametrize(
    ("reply", "end"),
    [
        (NotSent("dns"), (PayoutStatus.QUEUED, Reason.NOT_CONNECTED, AttemptOutcome.NOT_CONNECTED)),
        (
            MaybeSent("read_timeout"),
            (PayoutStatus.UNKNOWN, Reason.NO_ANSWER, AttemptOutcome.NO_ANSWER),
        ),
        (UNSIGNED, (PayoutStatus.UNKNOWN, Reason.UNCLEAR_ANSWER, AttemptOutcome.ANSWERED)),
        (an_answer(), (PayoutStatus.UNKNOWN, Reason.UNCLEAR_ANSWER, AttemptOutcome.ANSWERED)),
        (
            a_bare(Meaning.UNCLEAR),
            (PayoutStatus.UNKNOWN, Reason.UNCLEAR_ANSWER, AttemptOutcome.ANSWERED),
        ),
        (
            a_bare(Meaning.PAYEE),
            (PayoutStatus.FAILED, Reason.PAYEE_REFUSED, AttemptOutcome.ANSWERED),
        ),
        (
            a_bare(Meaning.CHANNEL),
            (PayoutStatus.REFUSED, Reason.CHANNEL_REFUSED, AttemptOutcome.ANSWERED),
        ),
        (
            a_bare(Meaning.DUPLICATE),
            (PayoutStatus.UNKNOWN, Reason.NUMBER_TAKEN, AttemptOutcome.ANSWERED),
        ),
        (
            a_trade(TradeStatus.WPAR),
            (PayoutStatus.PROCESSING, Reason.IN_PROGRESS, AttemptOutcome.ANSWERED),
        ),
        (a_trade(TradeStatus.FINI), (PayoutStatus.PAID, Reason.PAID, AttemptOutcome.ANSWERED)),
        (a_trade(TradeStatus.CLOS), (PayoutStatus.FAILED, Reason.CLOSED, AttemptOutcome.ANSWERED)),
    ],
)
def test_what_becomes_of_a_submission(
    service: UseCases,
    gateway: ScriptedGateway,
    payout_id: int,
    reply: Step,
    end: tuple[PayoutStatus, Reason, AttemptOutcome],
) -> None:
    """
    Every result of the gateway has its end, recorded with the attempt.
    """
    gateway.replies = [reply]
    service.submit(payout_id)

    dossier = service.ledger.dossier(payout_id)
    (attempt,) = dossier.attempts
    assert end == (
        dossier.payout.status,
        dossier.payout.reason,
        attempt.outcome,
    )
    assert dossier.payout.lease_token is None
    assert [e for e in dossier.evidence if e.applied_at is None] == []


def test_the_claim_is_committed_before_the_connection(
    service: UseCases, ledger: SqlLedger, gateway: ScriptedGateway, payout_id: int
) -> None:
    """
    Number, request, attempt and lease are durable when the socket opens.
    """
    seen: list[tuple[PayoutStatus, bool, str | None]] = []

    def look() -> Answer:
        payout = service.ledger.dossier(payout_id).payout
        seen.append((payout.status, payout.exposed, ledger.request(payout_id)))
        return a_trade(TradeStatus.FINI)

    gateway.replies = [look]
    service.submit(payout_id)

    assert [(PayoutStatus.SENDING, True, gateway.sent[0])] == seen


def test_two_workers_send_once(service: UseCases, gateway: ScriptedGateway, payout_id: int) -> None:
    """
    A message that is delivered again while the request is on the wire does nothing.
    """

    def again() -> object:
        service.submit(payout_id)
        return MaybeSent("read_timeout")

    gateway.replies = [again]  # type: ignore[list-item]
    service.submit(payout_id)
    service.submit(payout_id)

    assert len(gateway.sent) == 1


@pytest.mark.parametrize(
    "answer",
    [
        a_trade(TradeStatus.WPAR),
        a_bare(Meaning.PAYEE),
        a_bare(Meaning.REQUEST),
        a_bare(Meaning.CHANNEL),
    ],
)
def test_what_was_answered_is_not_sent_again_by_itself(
    service: UseCases, gateway: ScriptedGateway, payout_id: int, answer: Step
) -> None:
    """
    However often a worker is woken for it.
    """
    gateway.replies = [answer]
    for _ in range(3):
        service.submit(payout_id)

    assert len(gateway.sent) == 1


def test_a_channel_that_pauses_after_the_claim_stops_the_connection(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    The lease is not renewed, nothing is sent, and the payout waits in the queue.
    """

    def pause() -> None:
        service.ledger.pause(MERCHANT, "balance", "test")
        clock.advance(seconds=2)

    gateway.meanwhile = pause
    service.submit(payout_id)

    payout = service.ledger.dossier(payout_id).payout
    assert gateway.sent == []
    assert (payout.status, payout.exposed) == (PayoutStatus.QUEUED, False)


def test_a_worker_that_slept_over_its_lease_does_not_connect(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    Its lease ran out before it came to connect.
    """
    gateway.meanwhile = lambda: clock.advance(minutes=5)
    service.submit(payout_id)

    assert gateway.sent == []
    assert PayoutStatus.QUEUED is service.ledger.dossier(payout_id).payout.status


def test_a_second_connection_asks_again(
    service: UseCases, gateway: ScriptedGateway, payout_id: int
) -> None:
    """
    A claim is the leave for one connection: before the next one its lease is renewed.
    """
    gateway.in_vain = 1
    gateway.meanwhile = lambda: service.ledger.pause(MERCHANT, "balance", "test")
    service.submit(payout_id)

    assert gateway.sent == []
    assert PayoutStatus.QUEUED is service.ledger.dossier(payout_id).payout.status


def test_the_leave_begins_before_the_claim(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    A worker that was stopped amid its claim does not know when that was committed.
    """
    gateway.deciding = lambda: clock.advance(minutes=5)
    service.submit(payout_id)

    assert gateway.sent == []
    assert PayoutStatus.QUEUED is service.ledger.dossier(payout_id).payout.status


def test_the_lease_outlasts_the_leave(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    Who connects at its last moment still has a lease as long as a renewed one, and renews none.
    """
    left: list[timedelta] = []

    def look() -> Answer:
        until = service.ledger.dossier(payout_id).payout.lease_until
        assert until is not None
        left.append(until - clock.now)
        return a_trade(TradeStatus.FINI)

    gateway.meanwhile = lambda: clock.advance(seconds=1)
    gateway.replies = [look]
    service.submit(payout_id)

    assert left == [service.limits.lease]


def test_a_worker_whose_payout_was_taken_for_lost_does_not_connect(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    The sweep has ended its lease: nobody can say any more that nothing was sent.
    """

    def sleep() -> None:
        clock.advance(minutes=5)
        service.sweep()

    gateway.meanwhile = sleep
    service.submit(payout_id)

    assert gateway.sent == []
    assert PayoutStatus.UNKNOWN is service.ledger.dossier(payout_id).payout.status


def test_a_notification_that_overtakes_the_reply_stands(
    service: UseCases, handler: EvidenceHandler, gateway: ScriptedGateway, payout_id: int
) -> None:
    """
    JD told us the end while the request was on the wire, and then the reply was lost.
    """

    def overtaken() -> object:
        assert handler.notify(a_trade(TradeStatus.FINI))
        return MaybeSent("read_timeout")

    gateway.replies = [overtaken]  # type: ignore[list-item]
    service.submit(payout_id)

    assert PayoutStatus.PAID is service.ledger.dossier(payout_id).payout.status


def test_a_resend_is_the_same_request(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    After two signed not-found answers the same bytes go out again, and no other.
    """
    gateway.replies = [MaybeSent("read_timeout"), a_trade(TradeStatus.FINI)]
    gateway.answers = [NOT_FOUND, NOT_FOUND]
    service.submit(payout_id)
    for _ in range(2):
        clock.advance(minutes=10)
        service.query(payout_id)
    service.submit(payout_id)

    payout = service.ledger.dossier(payout_id).payout
    assert 2 == len(gateway.sent)  # noqa: SIM300
    assert 1 == len(set(gateway.sent))  # noqa: SIM300
    assert (payout.status, payout.resends) == (PayoutStatus.PAID, 1)


def test_a_retry_after_no_connection_is_the_same_request(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    What was rendered once is never rendered again.
    """
    gateway.replies = [NotSent("dns"), a_trade(TradeStatus.FINI)]
    service.submit(payout_id)
    clock.advance(minutes=1)
    service.submit(payout_id)

    assert gateway.rendered == 1
    assert gateway.sent[0] == gateway.sent[1]


def test_a_paused_channel_changes_no_row(
    service: UseCases, gateway: ScriptedGateway, payout_id: int
) -> None:
    """
    Claims simply stop.
    """
    service.ledger.pause(MERCHANT, "kill switch", "test")
    before = service.ledger.dossier(payout_id)
    service.submit(payout_id)

    assert before == service.ledger.dossier(payout_id)
    assert gateway.sent == []


@pytest.mark.parametrize(
    "reply",
    [a_bare(Meaning.CHANNEL), a_bare(Meaning.BALANCE), a_bare(Meaning.CHANNEL, verified=False)],
    ids=["channel", "balance", "unsigned"],
)
def test_our_own_fault_stops_the_next_one(
    service: UseCases, gateway: ScriptedGateway, reply: Step
) -> None:
    """
    One refusal of us is enough; the next payout waits in its queue.
    """
    gateway.replies = [reply]
    first = accepted(service, "P0000001")
    second = accepted(service, "P0000002")
    service.submit(first)
    service.submit(second)

    assert len(gateway.sent) == 1
    assert PayoutStatus.QUEUED is service.ledger.dossier(second).payout.status


def test_three_replies_in_a_row_that_do_not_verify_stop_the_channel(
    service: UseCases, gateway: ScriptedGateway
) -> None:
    """
    The key may be wrong, or someone speaks in JD's place.
    """
    gateway.replies = [UNSIGNED] * 4
    for number in range(4):
        service.submit(accepted(service, f"P000000{number}"))

    assert len(gateway.sent) == 3


@pytest.mark.parametrize(
    "answer",
    [a_trade(TradeStatus.FINI), a_trade(TradeStatus.FINI, amount_fen=1)],
    ids=["a trade", "a mismatch"],
)
def test_evidence_that_waits_is_weighed_before_sending(
    service: UseCases, gateway: ScriptedGateway, payout_id: int, answer: Answer
) -> None:
    """
    The receiver died between storing it and opening the case that stops this payout.
    """
    gateway.replies = [MaybeSent("read_timeout")]
    payout = service.ledger.dossier(payout_id).payout
    record(service.ledger, payout, Source.NOTIFICATION, answer)
    service.submit(payout_id)

    assert gateway.sent == []


def test_an_answer_that_waits_may_open_a_case(
    service: UseCases, gateway: ScriptedGateway, payout_id: int
) -> None:
    """
    By itself it is no sign of a trade; once it is judged a person has to look.
    """
    gateway.replies = [MaybeSent("read_timeout")]
    payout = service.ledger.dossier(payout_id).payout
    record(service.ledger, payout, Source.QUERY, a_bare(Meaning.NO_RESULT), asked_at=NOON)
    service.submit(payout_id)

    assert gateway.sent == []
    assert [c.kind for c in service.ledger.dossier(payout_id).open_cases] == [CaseKind.NO_RESULT]


def test_a_payout_of_another_merchant_is_not_touched(
    service: UseCases, ledger: SqlLedger, gateway: ScriptedGateway, payout_id: int
) -> None:
    """
    A process leaves alone what it has no keys for.
    """
    terms = type(TERMS)("sandbox", "999", TERMS.gateway_url, TERMS.notify_url)
    other = UseCases(
        EvidenceHandler(ledger, "999", Limits(), "other"), gateway, RecordingDispatcher(), terms
    )
    other.submit(payout_id)
    other.query(payout_id)

    assert [*gateway.sent, *gateway.asked] == []


def test_a_payout_that_does_not_exist_is_named(service: UseCases) -> None:
    """
    A message may name any number.
    """
    with pytest.raises(NoSuchPayout):
        service.submit(4711)


# --- death at every step


def run_for_a_while(service: UseCases, clock: Clock, payout_id: int) -> Payout:
    """
    Beat and a worker, for as long as two resends take.
    """
    for _ in range(11):
        if service.ledger.dossier(payout_id).payout.status.is_final:
            break
        clock.advance(minutes=3)
        service.sweep()
        service.send()
        service.ask()
    return service.ledger.dossier(payout_id).payout


Recovery = Callable[[HonestGateway, int, bool], tuple[bool, Payout]]


@pytest.fixture
def after_death(ledger: SqlLedger, clock: Clock, dispatcher: RecordingDispatcher) -> Recovery:
    """
    Die at the n-th write of accepting and sending, recover with a new process, and look.
    """

    def recover(gateway: HonestGateway, dies_at: int, after: bool) -> tuple[bool, Payout]:
        mortal = MortalLedger(ledger, dies_at, after=after)
        doomed = UseCases(
            EvidenceHandler(mortal, MERCHANT, Limits(), "doomed"), gateway, dispatcher, TERMS
        )
        died = False
        try:
            doomed.accept(an_order())
            doomed.submit(1)
        except Died:
            died = True
        heir = UseCases(
            EvidenceHandler(ledger, MERCHANT, Limits(), "heir"), gateway, dispatcher, TERMS
        )
        outcome = heir.accept(an_order())  # a producer that was not answered repeats itself
        return died, run_for_a_while(heir, clock, outcome.payout_id)  # type: ignore[union-attr]

    return recover


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("dies_at", range(1, 4))
@pytest.mark.parametrize(
    "faults",
    [{}, {"loses_replies": True}, {"refuses_connections": 1}],
    ids=["answered", "reply lost", "not connected"],
)
def test_death_at_any_write_ends_in_one_payment(
    after_death: Recovery,
    dies_at: int,
    after: bool,
    faults: dict[str, Any],
) -> None:
    """
    Wherever the process dies, the payout is paid once and recorded as paid.
    """
    gateway = HonestGateway(**faults)
    _, payout = after_death(gateway, dies_at, after)

    assert (len(gateway.booked), payout.status) == (1, PayoutStatus.PAID)
    assert len(set(gateway.sent)) == 1
    assert payout.lease_token is None


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("dies_at", range(2, 4))
def test_an_answered_attempt_has_its_answer(
    ledger: SqlLedger, dispatcher: RecordingDispatcher, dies_at: int, after: bool
) -> None:
    """
    Wherever the process dies, no attempt is closed as answered before the answer is stored.
    """
    mortal = MortalLedger(ledger, dies_at, after=after)
    doomed = UseCases(
        EvidenceHandler(mortal, MERCHANT, Limits(), "doomed"), HonestGateway(), dispatcher, TERMS
    )
    doomed.accept(an_order())
    with pytest.raises(Died):
        doomed.submit(1)

    dossier = ledger.dossier(1)
    answered = {a.id for a in dossier.attempts if a.outcome is AttemptOutcome.ANSWERED}
    assert answered <= {evidence.attempt_id for evidence in dossier.evidence}


@pytest.mark.parametrize(("dies_at", "dies"), [(3, True), (4, False)])
def test_the_deaths_reach_every_write(after_death: Recovery, dies_at: int, dies: bool) -> None:
    """
    The table above goes as far as the last write of an ordinary submission, and no further.
    """
    died, _ = after_death(HonestGateway(), dies_at, True)

    assert dies is died

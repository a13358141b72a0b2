"""
A JD that contradicts itself, over the real ledger: what is sent, what is asked, what a person sees.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, ScriptedGateway
from tests.factories import (
    AMOUNT,
    NUMBER,
    TERMS,
    a_bare,
    a_trade,
    an_answer,
    an_order,
)
from worker.payouts.acceptance import Accepted
from worker.payouts.errors import MaybeSent, NotAllowed, StaleTransition
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import CaseKind, Payout
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import ReviewList
from worker.payouts.status import PayoutStatus, Reason
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

FINI, CLOS = a_trade(TradeStatus.FINI), a_trade(TradeStatus.CLOS)
WPAR, REFU = a_trade(TradeStatus.WPAR), a_trade(TradeStatus.REFU)
NOT_FOUND, NO_RESULT = a_bare(Meaning.NOT_FOUND), a_bare(Meaning.NO_RESULT)
REFUSED = a_bare(Meaning.REQUEST)
NOBODY = ReviewList()


class Desk:
    """
    One payout, and everything that may happen to it, in short words.
    """

    def __init__(
        self,
        service: UseCases,
        ledger: SqlLedger,
        gateway: ScriptedGateway,
        clock: Clock,
        handler: EvidenceHandler,
    ) -> None:
        self.service = service
        self.ledger = ledger
        self.gateway = gateway
        self.clock = clock
        self.handler = handler
        self.person = Operator(ledger, "cli:mei")
        self.id = 0

    def accept(self, **changes: object) -> None:
        """
        Its job arrives.
        """
        accepted = self.service.accept(an_order(**changes))  # type: ignore[arg-type]
        assert isinstance(accepted, Accepted)
        self.id = accepted.payout_id

    def send(self, reply: Answer | Exception | None = None) -> bool:
        """
        A worker is woken; return whether it sent.
        """
        before = len(self.gateway.sent)
        if reply is not None:
            self.gateway.replies.append(reply)
        self.service.submit(self.id)
        return len(self.gateway.sent) > before

    def ask(self, answer: Answer, after: float = 5) -> None:
        """
        JD is asked so many minutes later.
        """
        self.clock.advance(minutes=after)
        self.gateway.answers.append(answer)
        self.service.query(self.id)

    def hear(self, answer: Answer, after: float = 5) -> None:
        """
        JD notifies so many minutes later.
        """
        self.clock.advance(minutes=after)
        self.handler.notify(answer)

    @property
    def row(self) -> Payout:
        """
        What is recorded.
        """
        return self.ledger.dossier(self.id).payout

    @property
    def open(self) -> set[CaseKind]:
        """
        What a person has to look at.
        """
        return {case.kind for case in self.ledger.dossier(self.id).open_cases}

    def resolve(self) -> None:
        """
        A person looks into every case.
        """
        for case in self.ledger.dossier(self.id).open_cases:
            self.person.close_case(case.id, Action.RESOLVE, "looked into")
        assert self.open == set()

    def may(self, action: Action) -> bool:
        """
        Whether a person may do that now; it is done then.
        """
        try:
            self.person.act(action, self.id, "asked to")
        except NotAllowed:
            return False
        return True

    def replace(self, number: str, amount_fen: int) -> Payout:
        """
        A person has another payout pay instead.
        """
        order = an_order(number, amount_fen=amount_fen, obligation=NUMBER)
        done = self.person.replace(self.id, order, TERMS, "right card", NOBODY)
        assert done.replacement is not None
        return done.replacement


@pytest.fixture
def desk(
    service: UseCases,
    ledger: SqlLedger,
    gateway: ScriptedGateway,
    clock: Clock,
    handler: EvidenceHandler,
) -> Desk:
    """
    A payout that was not accepted yet.
    """
    return Desk(service, ledger, gateway, clock, handler)


@pytest.mark.parametrize(
    "told", [an_answer(), an_answer(trade_status=TradeStatus.FINI, currency=None)]
)
def test_a_notification_before_its_job_is_asked_about(desk: Desk, told: Answer) -> None:
    """
    What JD told of a number before we had it, complete or not: JD is asked, and nothing is sent.
    """
    desk.hear(told)
    desk.accept()
    desk.handler.apply(desk.id)

    assert not desk.send()
    assert desk.open == {CaseKind.UNEXPECTED}
    assert desk.row.next_query_at == desk.clock.now
    desk.ask(NOT_FOUND)
    desk.resolve()
    assert not desk.send()


@pytest.mark.parametrize(
    "told", [an_answer(trade_no="JD1"), an_answer(), a_bare(Meaning.DUPLICATE)]
)
def test_an_answer_without_a_status_forbids_a_resend(desk: Desk, told: Answer) -> None:
    """
    A lost reply, then a question that is answered with a number alone: never again by itself.
    """
    desk.accept()
    desk.send(MaybeSent("read_timeout"))
    desk.ask(told)
    desk.ask(NOT_FOUND)
    desk.ask(NOT_FOUND)

    assert not desk.send()
    assert desk.open == {CaseKind.NOT_FOUND}


@pytest.mark.parametrize(
    "told",
    [
        a_trade(TradeStatus.FINI, currency=None),
        a_bare(Meaning.UNREADABLE),
        a_bare(Meaning.UNREADABLE, trade_no="JD1"),
        an_answer(trade_no="JD1"),
    ],
)
def test_a_refused_payout_that_jd_knows_is_nobodys_to_end(desk: Desk, told: Answer) -> None:
    """
    Refused, then told of in half a message, then denied: a case, and no act rests on the refusal.
    """
    desk.accept()
    desk.send(REFUSED)
    desk.ask(told)
    desk.ask(NOT_FOUND)

    assert desk.open == {CaseKind.CONTRADICTION}
    desk.resolve()
    assert not any(map(desk.may, (Action.RESEND, Action.FAIL, Action.RELEASE)))


def test_a_close_that_moves_again_is_a_case_and_asked_on(desk: Desk) -> None:
    """
    Closed, moving, closed, moving: each turn opens a case, and nothing frees the debt.
    """
    desk.accept()
    desk.send(WPAR)
    for _ in range(2):
        desk.ask(CLOS, 25 * 60)
        desk.ask(WPAR, 25 * 60)

        assert desk.open == {CaseKind.CONTRADICTION}
        assert desk.row.next_query_at is not None
        desk.resolve()
    assert desk.row.status is PayoutStatus.FAILED
    assert not desk.may(Action.RELEASE)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (CaseKind.NO_RESULT, [NO_RESULT, NO_RESULT]),
        (CaseKind.MISMATCH, [a_trade(TradeStatus.FINI, amount_fen=999_999)] * 2),
        (CaseKind.RETURN_AMOUNT, [a_trade(TradeStatus.REFU, refund_fen=n) for n in (None, 0, 0)]),
        (CaseKind.VANISHED, [WPAR, NOT_FOUND, NOT_FOUND]),
        (CaseKind.CONTRADICTION, [CLOS, FINI, CLOS]),
        (CaseKind.SECOND_TRADE_NO, [WPAR, a_trade(TradeStatus.WPAR, trade_no="JD2"), WPAR]),
    ],
)
def test_closing_a_case_covers_nothing_that_comes_later(
    desk: Desk, kind: CaseKind, words: list[Answer]
) -> None:
    """
    Closed by a person, the case opens again with the next piece that says so.
    """
    desk.accept()
    desk.send(MaybeSent("read_timeout"))
    *before, last = words
    for word in before:
        desk.ask(word)
    assert desk.open == {kind}
    desk.resolve()
    desk.handler.apply(desk.id)
    assert desk.open == set()

    desk.ask(last)

    assert desk.open == {kind}


def test_a_case_is_closed_with_what_was_looked_at(desk: Desk) -> None:
    """
    The case that is open names the newest evidence; who looked at less must look again.
    """
    desk.accept()
    desk.send(MaybeSent("read_timeout"))
    desk.ask(NO_RESULT)
    (seen,) = desk.ledger.dossier(desk.id).open_cases
    desk.ask(NO_RESULT)

    (case,) = desk.ledger.dossier(desk.id).open_cases
    assert case.id == seen.id
    assert case.evidence_id != seen.evidence_id
    with pytest.raises(StaleTransition):
        desk.ledger.close_case(seen, "cli:mei", "looked into")
    desk.ledger.close_case(case, "cli:mei", "looked into")


@pytest.mark.parametrize("refund_fen", [1, AMOUNT, AMOUNT + 1])
@pytest.mark.parametrize("way", ["reply", "query", "notification"])
def test_success_that_names_a_return_is_asked_about(desk: Desk, way: str, refund_fen: int) -> None:
    """
    FINI with an amount that came back is no plain success, from wherever it comes.
    """
    told = a_trade(TradeStatus.FINI, refund_fen=refund_fen)
    desk.accept()
    desk.send(told if way == "reply" else WPAR)
    if way == "query":
        desk.ask(told)
    if way == "notification":
        desk.hear(told)

    assert desk.row.status is PayoutStatus.PAID
    assert desk.open == {CaseKind.RETURN_AMOUNT}
    if way != "query":
        assert desk.row.next_query_at == desk.clock.now


def test_what_came_back_is_what_the_latest_question_says(desk: Desk) -> None:
    """
    9,000 notified, 3,000 told to every question: a case, and 3,000 may be paid instead.
    """
    desk.accept()
    desk.send(FINI)
    desk.hear(a_trade(TradeStatus.REFU, refund_fen=9_000))
    desk.ask(a_trade(TradeStatus.REFU, refund_fen=3_000))
    assert {CaseKind.PARTIAL_RETURN, CaseKind.RETURN_AMOUNT} == desk.open
    desk.resolve()

    with pytest.raises(NotAllowed, match="3000"):
        desk.replace("P-2", 9_000)
    assert desk.replace("P-2", 3_000).amount_fen == 3_000


def test_what_comes_back_after_its_part_was_replaced_is_replaced_too(desk: Desk) -> None:
    """
    5,000 back and paid again; then the whole came back: the rest can be paid, and no more.
    """
    desk.accept()
    desk.send(FINI)
    desk.ask(a_trade(TradeStatus.REFU, refund_fen=5_000))
    desk.replace("P-2", 5_000)
    desk.ask(REFU)
    desk.resolve()

    with pytest.raises(NotAllowed, match=str(AMOUNT - 5_000)):
        desk.replace("P-3", AMOUNT - 5_000 + 1)
    desk.replace("P-3", AMOUNT - 5_000)
    with pytest.raises(NotAllowed, match="at most 0"):
        desk.replace("P-4", 1)


@pytest.mark.parametrize(
    ("send_before", "resend_after", "claim_after", "is_sent"),
    [
        # the producer's own time goes on
        (timedelta(hours=1), 10, 49, True),
        (timedelta(hours=1), 10, 51, False),
        # sent again after it, the time is a person's, and a day long
        (timedelta(hours=1), 90, 23 * 60, True),
        (timedelta(hours=1), 90, 25 * 60, False),
        (None, 10, 25 * 60, False),
        (timedelta(hours=1), 10, 30 * 24 * 60, False),
    ],
)
def test_a_refused_payout_grows_stale(
    desk: Desk,
    send_before: timedelta | None,
    resend_after: float,
    claim_after: float,
    *,
    is_sent: bool,
) -> None:
    """
    Refused, wanted again, and not sent in time while sending was paused: a person decides anew.
    """
    desk.accept(send_before=None if send_before is None else desk.clock.now + send_before)
    desk.send(REFUSED)
    desk.clock.advance(minutes=resend_after)
    desk.person.act(Action.RESEND, desk.id, "fixed")
    desk.clock.advance(minutes=claim_after)
    if not is_sent:
        stale = desk.ledger.find_stale(9, desk.handler.limits.send_within)
        assert list(stale) == [desk.id]
        assert not desk.send()
        desk.handler.apply_all(stale)

        assert desk.open == {CaseKind.STALE}
        assert (desk.row.status, desk.row.next_send_at) == (PayoutStatus.REFUSED, None)
        assert list(desk.ledger.find_stale(9, desk.handler.limits.send_within)) == []
        desk.person.act(Action.RESEND, desk.id, "after all")
        assert desk.open == set()
    assert desk.send(FINI)


def test_a_number_that_our_refused_attempt_used_is_ours(desk: Desk) -> None:
    """
    Refused, sent again, and known to JD from then: the duplicate's status is our own payout's.
    """
    desk.accept()
    desk.send(REFUSED)
    desk.person.act(Action.RESEND, desk.id, "fixed")
    desk.send(a_trade(TradeStatus.CLOS, meaning=Meaning.DUPLICATE, traded_at=desk.clock.now))

    assert (desk.row.status, desk.row.reason) == (PayoutStatus.FAILED, Reason.CLOSED)
    assert CaseKind.NUMBER_TAKEN not in desk.open


@pytest.mark.parametrize("way", ["query", "notification", "duplicate"])
def test_a_trade_that_is_older_than_our_first_attempt_is_anothers(desk: Desk, way: str) -> None:
    """
    JD dates it a day before we sent: it is not our payment, and nobody is told that it is.
    """
    dated = desk.clock.now - timedelta(days=1)
    desk.accept()
    desk.send(REFUSED if way == "duplicate" else MaybeSent("read_timeout"))
    if way == "duplicate":
        desk.person.act(Action.RESEND, desk.id, "fixed")
        desk.send(a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE, traded_at=dated))
    if way == "query":
        desk.ask(a_trade(TradeStatus.FINI, traded_at=dated))
    if way == "notification":
        desk.hear(a_trade(TradeStatus.FINI, traded_at=dated))

    assert desk.row.status is PayoutStatus.UNKNOWN
    assert desk.open == {CaseKind.NUMBER_TAKEN}
    assert not desk.send()


@pytest.mark.parametrize("told", [CLOS, a_trade(TradeStatus.REFU, refund_fen=None)])
def test_a_late_return_told_badly_is_a_case_at_once(desk: Desk, told: Answer) -> None:
    """
    Success, then a close or a return of no amount: a case, and no money is taken for back.
    """
    desk.accept()
    desk.send(FINI)
    desk.ask(told)

    kind = CaseKind.CONTRADICTION if told is CLOS else CaseKind.RETURN_AMOUNT
    assert desk.row.status is PayoutStatus.PAID
    assert desk.open == {kind}
    desk.resolve()
    assert not desk.may(Action.RELEASE)
    with pytest.raises(NotAllowed):
        desk.replace("P-2", 1)


def test_a_doubt_is_not_lifted_by_silence_where_jd_knows_more(
    desk: Desk,
) -> None:
    """
    After a restore "not found" is no answer for what JD has told of; another word of it is one.
    """
    desk.hear(an_answer(trade_no="JD1"))
    desk.accept()
    desk.ledger.begin_epoch("cli:mei", "restored", timedelta(days=7))
    desk.ask(NOT_FOUND)
    assert desk.row.doubted_at is not None
    assert desk.row.next_query_at is not None
    assert desk.row.next_query_at > desk.clock.now

    desk.ask(FINI)

    row = desk.row
    assert (row.status, row.doubted_at) == (PayoutStatus.PAID, None)


def test_a_payout_refused_at_a_wrong_address_is_sent_again_at_the_right_one(desk: Desk) -> None:
    """
    From then on it is sent and asked about there, and who decided so is recorded.
    """
    desk.accept()
    desk.send(a_bare(Meaning.CHANNEL))
    desk.ledger.resume(TERMS.customer_no, "fixed", "test")
    moved = replace(TERMS, gateway_url="https://127.0.0.1:9443/npp10")
    desk.person.resend_at(desk.id, moved, "no such interface")

    assert desk.row.terms == moved
    *_, decision = desk.ledger.decisions(desk.id)
    assert (decision.action, moved.gateway_url in decision.why) == (Action.RESEND, True)
    assert desk.send(FINI)
    assert desk.row.terms == moved


def test_what_jd_may_have_stays_at_its_address(desk: Desk) -> None:
    """
    Only what was refused for sure is known nowhere; and another merchant's settings move nothing.
    """
    moved = replace(TERMS, gateway_url="https://127.0.0.1:9443/npp10")
    desk.accept()
    desk.send(REFUSED)
    with pytest.raises(NotAllowed, match="merchant"):
        desk.person.resend_at(desk.id, replace(moved, customer_no="another"), "moved")
    desk.ask(an_answer(trade_no="JD1"))
    desk.resolve()
    with pytest.raises(NotAllowed, match="may have it"):
        desk.person.resend_at(desk.id, moved, "moved")
    assert desk.row.terms == TERMS

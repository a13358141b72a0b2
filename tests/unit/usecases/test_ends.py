"""
Nobody is stuck: from each kind of case, in every status in which it can stand, to an end.

An end is a status that nobody has to move on, no open case, and a debt that is paid or can be paid
by another payout. Each way goes through the use cases that the commands use.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, ScriptedGateway
from tests.factories import AMOUNT, MERCHANT, NUMBER, TERMS, a_bare, a_trade, an_order
from worker.payouts.acceptance import Accepted
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.hold import HELD_BACK
from worker.payouts.limits import Limits
from worker.payouts.model import CaseKind, Dossier
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import ReviewList
from worker.payouts.policy.obligation import may_keep_fen
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote
from worker.store.ledger import SqlLedger
from worker.usecases.audit import Auditor
from worker.usecases.decide import Decider
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

FINI, CLOS, WPAR, REFU = (
    a_trade(TradeStatus[name], trade_no="JD1") for name in ("FINI", "CLOS", "WPAR", "REFU")
)
NOT_FOUND, NO_RESULT = a_bare(Meaning.NOT_FOUND), a_bare(Meaning.NO_RESULT)
REFUSED = a_bare(Meaning.REQUEST)
LOST = MaybeSent("read_timeout")


class Desk:
    """
    One payout, JD, and the people who look after it.
    """

    def __init__(
        self, ledger: SqlLedger, service: UseCases, gateway: ScriptedGateway, clock: Clock
    ) -> None:
        self.ledger, self.service, self.gateway, self.clock = ledger, service, gateway, clock
        self.payout_id = 0
        self.person = Operator(ledger, "cli:mei")
        self.deciders = [Decider(ledger, Person(uid, "")) for uid in (1001, 1002)]
        self._slips = itertools.count(1)

    @property
    def dossier(self) -> Dossier:
        """
        All that is known.
        """
        return self.ledger.dossier(self.payout_id)

    def accept(self, **changes: object) -> None:
        """
        Take the job in.
        """
        outcome = self.service.accept(an_order(NUMBER, **changes))
        assert isinstance(outcome, Accepted)
        self.payout_id = outcome.payout_id

    def send(self, reply: Answer | MaybeSent) -> None:
        """
        Transmit it; this is what comes back.
        """
        if not self.payout_id:
            self.accept()
        self.gateway.replies.append(reply)
        self.service.submit(self.payout_id)

    def told(self, *answers: Answer, minutes: float = 15) -> None:
        """
        JD's answers to questions, so long after one another.
        """
        for answer in answers:
            self.clock.advance(minutes=minutes)
            self.gateway.answers.append(answer)
            self.service.query(self.payout_id)

    def notified(self, answer: Answer) -> None:
        """
        JD tells it unasked.
        """
        self.ledger.notify(MERCHANT, [answer])
        self.service.sweep()

    def act(self, action: Action) -> None:
        """
        One person decides.
        """
        self.person.act(action, self.payout_id, "asked to")

    def resolve(self) -> None:
        """
        Someone looks into every case.
        """
        for case in self.dossier.open_cases:
            self.person.close_case(case.id, Action.RESOLVE, "looked into")

    def decide(self, end: End, last: Answer, fen: int | None = None) -> None:
        """
        Two people decide, a day later, on JD's latest word and a slip.
        """
        self.told(last, minutes=25 * 60)
        first, second = self.deciders
        slip = f"SLIP-{next(self._slips)}"
        second.approve(first.propose(self.payout_id, end, fen, slip, "the slip").id)

    def free(self) -> None:
        """
        Another payout pays the debt, or the part that is left of it.
        """
        left = AMOUNT - may_keep_fen(self.dossier)
        instead = an_order("INSTEAD00001", obligation=NUMBER, amount_fen=left)
        self.person.replace(self.payout_id, instead, TERMS, "instead", ReviewList())


# --- ways into a case


def contradiction(desk: Desk) -> None:
    """
    Paid, and then closed: a bank's late return may be told as a close.
    """
    desk.send(LOST)
    desk.told(FINI, CLOS)


def closed_and_moving(desk: Desk) -> None:
    """
    Closed, and then in progress.
    """
    desk.send(LOST)
    desk.told(CLOS, WPAR)


def refused_and_known(desk: Desk) -> None:
    """
    Refused, and then a trade number all the same.
    """
    desk.send(REFUSED)
    desk.told(replace(a_bare(Meaning.PROCESSED), trade_no="JD1"))


def vanished(desk: Desk) -> None:
    """
    In progress, and then never heard of.
    """
    desk.send(LOST)
    desk.told(WPAR, NOT_FOUND)


def second_trade_no(desk: Desk) -> None:
    """
    Two trade numbers.
    """
    desk.send(LOST)
    desk.told(WPAR, replace(WPAR, trade_no="JD2"))


def number_taken(desk: Desk) -> None:
    """
    A duplicate answer to the first attempt.
    """
    desk.send(a_bare(Meaning.DUPLICATE))


def dated_before(desk: Desk) -> None:
    """
    Paid, by a trade that JD dates before our first attempt: somebody else's.
    """
    desk.send(LOST)
    desk.told(replace(FINI, traded_at=desk.clock.now.replace(year=2025)))


def mismatch(desk: Desk) -> None:
    """
    Another amount.
    """
    desk.send(LOST)
    desk.told(replace(FINI, amount_fen=1))


def partial_return(desk: Desk) -> None:
    """
    A part came back.
    """
    desk.send(FINI)
    desk.told(replace(REFU, refund_fen=5_000))


def return_without_amount(desk: Desk) -> None:
    """
    It came back, and JD never says how much.
    """
    desk.send(FINI)
    desk.told(replace(REFU, refund_fen=None))


def no_result(desk: Desk) -> None:
    """
    Not in JD's database, for ever.
    """
    desk.send(LOST)
    desk.told(NO_RESULT)


def not_found(desk: Desk) -> None:
    """
    Sent three times, and never heard of.
    """
    for _ in range(3):
        desk.send(LOST)
        desk.told(NOT_FOUND, NOT_FOUND)


def unresolved(desk: Desk) -> None:
    """
    In progress for the whole schedule.
    """
    desk.send(LOST)
    desk.told(WPAR)
    desk.told(WPAR, minutes=40 * 24 * 60)


def unresolved_refusal(desk: Desk) -> None:
    """
    Refused, and nobody mended it for the whole schedule.
    """
    desk.send(REFUSED)
    desk.told(NOT_FOUND, minutes=40 * 24 * 60)


def unexpected(desk: Desk) -> None:
    """
    Withdrawn, and paid by JD.
    """
    desk.accept()
    desk.act(Action.CANCEL)
    desk.notified(FINI)


def unexpected_sign(desk: Desk) -> None:
    """
    Never sent, and JD knows the number: it says no more of it.
    """
    desk.accept()
    desk.notified(replace(a_bare(Meaning.NONE), number=NUMBER, merchant=MERCHANT))


def stale(desk: Desk) -> None:
    """
    Not sent for a day.
    """
    desk.accept()
    desk.clock.advance(hours=25)
    handled(desk)


def stale_refusal(desk: Desk) -> None:
    """
    Wanted again, and not sent for a day.
    """
    desk.send(REFUSED)
    desk.act(Action.RESEND)
    desk.clock.advance(hours=25)
    handled(desk)


def unreadable(desk: Desk) -> None:
    """
    Its key is gone.
    """
    desk.accept()
    desk.ledger.open_case(desk.payout_id, CaseNote(CaseKind.UNREADABLE))


def tampered(desk: Desk) -> None:
    """
    Someone changed its row in the database.
    """
    desk.accept()
    desk.ledger.open_case(desk.payout_id, CaseNote(CaseKind.TAMPERED))


def overpayment(desk: Desk) -> None:
    """
    The older payout of its debt is said to be paid after all.
    """
    desk.accept()
    desk.ledger.open_case(desk.payout_id, CaseNote(CaseKind.OVERPAYMENT))


def forgotten(desk: Desk) -> None:
    """
    A journal has a claim that the database lacked, and JD never answers it.
    """
    desk.send(LOST)
    desk.ledger.open_case(desk.payout_id, CaseNote(CaseKind.FORGOTTEN))


def handled(desk: Desk) -> None:
    """
    What the sweep makes of it.
    """
    EvidenceHandler(desk.ledger, MERCHANT, Limits(), "test").apply(desk.payout_id)


# --- ways out


def withdraw(desk: Desk) -> None:
    """
    One person, since JD never had it.
    """
    desk.act(Action.CANCEL)
    desk.free()


def look_and_withdraw(desk: Desk) -> None:
    """
    The same, once the case was looked into.
    """
    desk.resolve()
    desk.act(Action.CANCEL)


def give_up(desk: Desk) -> None:
    """
    One person, on JD's refusal and a later absence.
    """
    desk.act(Action.FAIL)
    desk.told(NOT_FOUND)
    desk.free()


def pay_the_part(desk: Desk) -> None:
    """
    One person, on what JD's latest answer says.
    """
    desk.free()


def hear_the_end(desk: Desk) -> None:
    """
    One person who looked, since JD has told the end: it is paid.
    """
    desk.resolve()


def hear_that_it_is_closed(desk: Desk) -> None:
    """
    One person, since JD closes it twice.
    """
    desk.told(CLOS)
    desk.told(CLOS, minutes=25 * 60)
    desk.resolve()
    desk.free()


def two_say_failed(desk: Desk) -> None:
    """
    Two people.
    """
    desk.decide(End.FAILED, NO_RESULT)
    desk.free()


def two_say_paid(desk: Desk) -> None:
    """
    Two people.
    """
    desk.decide(End.PAID, NO_RESULT)


def two_say_returned(desk: Desk) -> None:
    """
    Two people, with the amount from the bank's slip.
    """
    desk.decide(End.RETURNED, CLOS, 9_000)
    desk.free()


def two_say_failed_after_withdrawal(desk: Desk) -> None:
    """
    One withdraws it, two say that the number's trade is not ours.
    """
    look_and_withdraw(desk)
    desk.decide(End.FAILED, NOT_FOUND)
    desk.free()


#: Each way in with the status there, and the ways out: those that JD's words allow to one person,
#: and the one of two people where these never come. None: that is never needed.
WAYS: list[
    tuple[
        Callable[[Desk], None],
        CaseKind,
        PayoutStatus,
        Callable[[Desk], None] | None,
        Callable[[Desk], None] | None,
    ]
] = [
    (contradiction, CaseKind.CONTRADICTION, PayoutStatus.PAID, None, two_say_returned),
    (closed_and_moving, CaseKind.CONTRADICTION, PayoutStatus.FAILED, None, two_say_failed),
    (refused_and_known, CaseKind.CONTRADICTION, PayoutStatus.REFUSED, None, two_say_failed),
    (vanished, CaseKind.VANISHED, PayoutStatus.PROCESSING, hear_that_it_is_closed, two_say_failed),
    (second_trade_no, CaseKind.SECOND_TRADE_NO, PayoutStatus.PROCESSING, None, two_say_paid),
    (number_taken, CaseKind.NUMBER_TAKEN, PayoutStatus.UNKNOWN, None, two_say_failed),
    (dated_before, CaseKind.NUMBER_TAKEN, PayoutStatus.UNKNOWN, None, two_say_failed),
    (mismatch, CaseKind.MISMATCH, PayoutStatus.UNKNOWN, None, two_say_paid),
    (partial_return, CaseKind.PARTIAL_RETURN, PayoutStatus.PAID, pay_the_part, None),
    (return_without_amount, CaseKind.RETURN_AMOUNT, PayoutStatus.PAID, None, two_say_returned),
    (no_result, CaseKind.NO_RESULT, PayoutStatus.UNKNOWN, hear_that_it_is_closed, two_say_failed),
    (not_found, CaseKind.NOT_FOUND, PayoutStatus.UNKNOWN, None, two_say_failed),
    (unresolved, CaseKind.UNRESOLVED, PayoutStatus.PROCESSING, None, two_say_paid),
    (unresolved_refusal, CaseKind.UNRESOLVED, PayoutStatus.REFUSED, give_up, None),
    (unexpected, CaseKind.UNEXPECTED, PayoutStatus.PAID, hear_the_end, None),
    (
        unexpected_sign,
        CaseKind.UNEXPECTED,
        PayoutStatus.QUEUED,
        None,
        two_say_failed_after_withdrawal,
    ),
    (stale, CaseKind.STALE, PayoutStatus.HELD, withdraw, None),
    (stale_refusal, CaseKind.STALE, PayoutStatus.REFUSED, give_up, None),
    (unreadable, CaseKind.UNREADABLE, PayoutStatus.QUEUED, withdraw, None),
    (tampered, CaseKind.TAMPERED, PayoutStatus.QUEUED, withdraw, None),
    (overpayment, CaseKind.OVERPAYMENT, PayoutStatus.QUEUED, withdraw, None),
    (forgotten, CaseKind.FORGOTTEN, PayoutStatus.UNKNOWN, None, two_say_failed),
]

EACH = [
    pytest.param(into, kind, status, out, id=f"{into.__name__}-{out.__name__}")
    for into, kind, status, *outs in WAYS
    for out in outs
    if out is not None
]


@pytest.fixture
def desk(ledger: SqlLedger, service: UseCases, gateway: ScriptedGateway, clock: Clock) -> Desk:
    """
    An empty desk, and JD without anything to say yet.
    """
    return Desk(ledger, service, gateway, clock)


@pytest.mark.parametrize(("into", "kind", "status", "out"), EACH)
def test_each_case_has_a_way_to_an_end(
    desk: Desk,
    into: Callable[[Desk], None],
    kind: CaseKind,
    status: PayoutStatus,
    out: Callable[[Desk], None],
) -> None:
    """
    The status is final, no case is open, and the debt is paid or another payout has it.
    """
    into(desk)
    assert kind in {case.kind for case in desk.dossier.open_cases}
    assert desk.dossier.payout.status is status

    out(desk)

    ended = desk.dossier
    assert ended.payout.status.is_final
    assert ended.open_cases == ()
    paid = ended.payout.status is PayoutStatus.PAID and may_keep_fen(ended) == AMOUNT
    assert paid or ended.payout.released_at is not None
    handled(desk)
    assert desk.dossier.open_cases == ()
    assert Auditor(desk.ledger, Limits()).audit().breaches == ()


def test_every_kind_of_case_is_walked() -> None:
    """
    A new kind cannot be forgotten. An orphan has no payout to end; what is held ends as stale.
    """
    walked = {kind for _, kind, *_ in WAYS}

    assert set(CaseKind) - walked == {CaseKind.ORPHAN, *HELD_BACK} - {CaseKind.STALE}


def test_two_people_are_needed_where_jds_words_never_tell_and_nowhere_else() -> None:
    """
    What one person ends on JD's words, nobody has to find a second one for.
    """
    two = {into.__name__ for into, _, _, alone, both in WAYS if alone is None and both is not None}

    assert two == {
        *("contradiction", "closed_and_moving", "refused_and_known", "second_trade_no"),
        *("number_taken", "dated_before", "mismatch", "return_without_amount", "not_found"),
        *("unresolved", "unexpected_sign", "forgotten"),
    }


def test_what_was_refused_twice_for_two_causes_is_paid_by_another(desk: Desk) -> None:
    """
    The address, mended, and then the card: nothing was booked either time, and JD says so.
    """
    desk.send(REFUSED)
    desk.clock.advance(minutes=1)
    desk.act(Action.RESEND)
    desk.clock.advance(minutes=1)
    desk.send(a_bare(Meaning.PAYEE))
    assert desk.dossier.payout.status is PayoutStatus.FAILED
    desk.told(NOT_FOUND)

    desk.free()

    assert desk.dossier.payout.released_at is not None
    assert Auditor(desk.ledger, Limits()).audit().breaches == ()

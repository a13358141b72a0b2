"""
JD's gateway has a new address: each payout that JD may have finds an end there.

None is paid twice where the new address does not know what the old one booked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher
from tests.factories import TERMS, a_bare, a_trade, an_order
from worker.payouts.acceptance import Accepted
from worker.payouts.errors import MaybeSent, NotAllowed, NotSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import CaseKind, Order, Terms
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.audit import Auditor
from worker.usecases.decide import Decider
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

OLD, NEW = TERMS, replace(TERMS, gateway_url="https://new.example:8443/")


@dataclass
class Addresses:
    """
    JD at two addresses. The old one loses its replies, and is gone once `gone` says so.
    """

    gone: bool = False
    #: Whether both lead to the same books.
    same_books: bool = True
    booked: dict[str, list[str]] = field(default_factory=lambda: {"old": [], "new": []})
    refuses: bool = False

    def render(self, order: Order, _terms: Terms, _at: object) -> str:
        """
        The number is all that matters.
        """
        return order.out_trade_no

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Book it; the old address never tells that it did.
        """
        before_connect()
        self._reach(terms)
        if self.refuses:
            return a_bare(Meaning.REQUEST)
        self._books(terms).append(request)
        if terms == OLD:
            raise MaybeSent("read_timeout")
        return a_trade(TradeStatus.FINI)

    def query(self, number: str, terms: Terms, _asked_at: object) -> Answer:
        """
        What the books of this address say.
        """
        self._reach(terms)
        if number in self._books(terms):
            return a_trade(TradeStatus.FINI)
        return a_bare(Meaning.NOT_FOUND)

    def _reach(self, terms: Terms) -> None:
        if self.gone and terms == OLD:
            raise NotSent("foreign_address")

    def _books(self, terms: Terms) -> list[str]:
        return self.booked["old" if self.same_books or terms == OLD else "new"]

    @property
    def debits(self) -> int:
        """
        How often money went out.
        """
        return sum(map(len, self.booked.values()))


@pytest.fixture
def gateway() -> Addresses:
    """
    Both are there.
    """
    return Addresses()


@pytest.fixture
def service(
    handler: EvidenceHandler, gateway: Addresses, dispatcher: RecordingDispatcher, clock: Clock
) -> UseCases:
    """
    The use cases over these addresses.
    """
    return UseCases(handler, gateway, dispatcher, OLD, steady=clock.steady)


def accepted(service: UseCases) -> int:
    """
    A payout at the old address.
    """
    outcome = service.accept(an_order())
    assert isinstance(outcome, Accepted)
    return outcome.payout_id


def an_hour_passes(service: UseCases, clock: Clock, payout_id: int) -> None:
    """
    Whatever is due is asked and sent, again and again.
    """
    for _ in range(12):
        clock.advance(minutes=5)
        service.query(payout_id)
        service.sweep()
        service.send()


@pytest.mark.parametrize("booked", [True, False])
def test_what_is_not_at_the_new_address_is_not_sent_there(
    ledger: SqlLedger, service: UseCases, gateway: Addresses, clock: Clock, booked: bool
) -> None:
    """
    The old books may have it: two denials of the new ones are none, and two people end it.
    """
    payout_id = accepted(service)
    gateway.same_books = False
    service.submit(payout_id)
    if not booked:
        gateway.booked["old"].clear()
    gateway.gone = True
    clock.advance(minutes=3)
    Operator(ledger, "cli:mei").redirect(payout_id, NEW, "JD moved")

    an_hour_passes(service, clock, payout_id)

    assert gateway.debits == booked
    dossier = ledger.dossier(payout_id)
    assert dossier.payout.status is PayoutStatus.UNKNOWN
    assert [case.kind for case in dossier.open_cases] == [CaseKind.NOT_FOUND]

    clock.advance(hours=24)
    service.query(payout_id)
    first, second = (Decider(ledger, Person(uid, "")) for uid in (1001, 1002))
    end = End.PAID if booked else End.FAILED
    second.approve(first.propose(payout_id, end, None, "SLIP-1", "JD's letter").id)

    ended = ledger.dossier(payout_id)
    assert ended.payout.status.is_final
    assert ended.open_cases == ()
    if not booked:
        Operator(ledger, "cli:mei").act(Action.RELEASE, payout_id, "two people said so")
    assert Auditor(ledger, Limits()).audit().breaches == ()


def test_what_the_new_address_knows_counts(
    ledger: SqlLedger, service: UseCases, gateway: Addresses, clock: Clock
) -> None:
    """
    One person redirects it, and JD's own word ends it; an open case is no hindrance.
    """
    payout_id = accepted(service)
    service.submit(payout_id)
    gateway.gone = True
    clock.advance(days=40)
    service.query(payout_id)
    assert [case.kind for case in ledger.dossier(payout_id).open_cases] == [CaseKind.UNRESOLVED]

    Operator(ledger, "cli:mei").redirect(payout_id, NEW, "JD moved")
    service.ask()

    assert ledger.dossier(payout_id).payout.status is PayoutStatus.PAID
    (decision,) = ledger.decisions(payout_id)
    assert decision.why == f"JD moved (from now on at {NEW.gateway_url})"
    assert Auditor(ledger, Limits()).audit().breaches == ()


def test_what_was_never_sent_goes_out_at_the_new_address(
    ledger: SqlLedger, service: UseCases, gateway: Addresses, clock: Clock
) -> None:
    """
    No request of it went anywhere else, so a denial is one there.
    """
    payout_id = accepted(service)
    gateway.gone = True
    service.submit(payout_id)
    Operator(ledger, "cli:mei").redirect(payout_id, NEW, "JD moved")

    clock.advance(minutes=5)
    service.send()

    assert ledger.dossier(payout_id).payout.status is PayoutStatus.PAID
    assert gateway.debits == 1


def test_a_doubt_is_not_lifted_at_another_address(
    ledger: SqlLedger, service: UseCases, gateway: Addresses, clock: Clock
) -> None:
    """
    A restored database has forgotten that it was sent; the new address cannot know of it.
    """
    payout_id = accepted(service)
    gateway.same_books = False
    gateway.booked["old"].append(an_order().out_trade_no)
    ledger.begin_epoch("mei", "restored", timedelta(0))
    Operator(ledger, "cli:mei").redirect(payout_id, NEW, "JD moved, too")
    gateway.gone = True

    an_hour_passes(service, clock, payout_id)

    assert gateway.debits == 1
    assert ledger.dossier(payout_id).payout.doubted_at is not None


def test_a_refused_one_ends_at_the_new_address(
    ledger: SqlLedger, service: UseCases, gateway: Addresses, clock: Clock
) -> None:
    """
    JD booked nothing anywhere, so a denial of the new address counts: one person frees the debt.
    """
    payout_id = accepted(service)
    gateway.refuses = True
    service.submit(payout_id)
    gateway.gone = True
    person = Operator(ledger, "cli:mei")
    person.redirect(payout_id, NEW, "JD moved")
    clock.advance(minutes=5)
    service.query(payout_id)

    person.act(Action.FAIL, payout_id, "not wanted any more")
    person.act(Action.RELEASE, payout_id, "JD refused it")

    assert ledger.dossier(payout_id).payout.released_at is not None


def test_what_is_under_way_or_there_already_is_not_redirected(
    ledger: SqlLedger, service: UseCases, gateway: Addresses, clock: Clock
) -> None:
    """
    The worker that has it speaks to the old address; and another merchant's is left alone.
    """
    payout_id = accepted(service)
    person = Operator(ledger, "cli:mei")
    refused: list[str] = []

    def attempt(terms: Terms) -> None:
        with pytest.raises(NotAllowed) as told:
            person.redirect(payout_id, terms, "JD moved")
        refused.append(str(told.value))

    attempt(OLD)
    attempt(replace(NEW, customer_no="360080000000000002"))
    service.sender.claim(payout_id)
    attempt(NEW)

    assert [word for word in ("already", "another merchant", "lease") if word in str(refused)] == [
        "already",
        "another merchant",
        "lease",
    ]
    assert ledger.dossier(payout_id).payout.terms == OLD

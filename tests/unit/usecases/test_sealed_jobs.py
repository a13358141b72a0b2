"""
Sealed jobs are taken by their seals alone, and compared with them once more before they are sent.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests import sealing
from tests.doubles.owner import take_fences_away
from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import NUMBER, PAYEE, TERMS, a_job, a_trade, an_order, at
from tests.sealing import claims, shared, signed
from worker.intake.message import receive, take_sealed
from worker.payouts.acceptance import Accepted, Conflict, Entry, Invalid, Same, Withdrawn
from worker.payouts.errors import UnusableSeal
from worker.payouts.evidence import TradeStatus
from worker.payouts.job_keys import JobKey, KeyKind
from worker.payouts.model import CaseKind, Payout
from worker.payouts.person import Person
from worker.payouts.sealed_job import KeptSeal, Purpose
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.store.rows import order_columns
from worker.store.tables import payouts
from worker.usecases.evidence import EvidenceHandler

MEI = Person(1001, "mei")
SECRET, SIGNS, OWN = b"k" * 32, b"s" * 32, b"w" * 32

#: Whom `a_job` pays.
NAMED = replace(PAYEE, mobile=None, id_type=None, id_no=None)


@pytest.fixture
def shop(ledger: SqlLedger) -> JobKey:
    """
    A producer's first key.
    """
    ledger.add_producer("shop", "mei")
    return ledger.add_job_key("shop", KeyKind.SHARED, SECRET, MEI)


def sealed(job: Mapping[str, Any] | None = None, /, **changes: object) -> str:
    """
    Sealed by the shop, for today.
    """
    return shared("shop.1", SECRET, claims(job or a_job(), **changes))


def take(service: UseCases, job: object) -> object:
    """
    What becomes of an entry message.
    """
    return receive(service.acceptor, {"job": job})


def the_payout(ledger: SqlLedger, number: str = NUMBER) -> Payout:
    """
    As its row says.
    """
    found = ledger.find(TERMS.customer_no, number)
    assert found is not None
    return found


@pytest.mark.usefixtures("shop")
def test_a_sealed_job_is_its_producers_payout(
    service: UseCases, ledger: SqlLedger, dispatcher: RecordingDispatcher, gateway: ScriptedGateway
) -> None:
    """
    The same one however often it comes; it is sent like any other.
    """
    found = take(service, sealed())

    assert found == Accepted(1)
    assert take(service, sealed()) == Same(1)
    payout = the_payout(ledger)
    assert (payout.producer, payout.job_key) == ("shop", "shop.1")
    assert dispatcher.woken == ["sender"]
    gateway.replies = [a_trade(TradeStatus.ACSU)]
    service.send()
    assert len(gateway.sent) == 1


def test_a_signed_job_is_its_producers_payout(
    service: UseCases, ledger: SqlLedger, gateway: ScriptedGateway
) -> None:
    """
    Of a producer that shares no secret with us.
    """
    ledger.add_producer("shop", "mei")
    ledger.add_job_key("shop", KeyKind.SIGNING, sealing.public_ed25519(SIGNS), MEI)
    ledger.add_job_key(None, KeyKind.OWN, OWN, MEI)
    public = sealing.public_x25519(OWN)

    assert take(service, signed("shop.1", SIGNS, "OWN.1", public, claims(a_job()))) == Accepted(1)
    gateway.replies = [a_trade(TradeStatus.ACSU)]
    service.send()
    assert len(gateway.sent) == 1


@pytest.mark.usefixtures("shop")
def test_nobody_else_can_seal_for_a_producer(service: UseCases, ledger: SqlLedger) -> None:
    """
    What does not open leaves a rejection that says of nobody that it was theirs.
    """
    found = take(service, shared("shop.1", b"x" * 32, claims(a_job())))

    assert isinstance(found, Conflict)
    assert found.reason == "bad_seal"
    (rejection,) = ledger.rejections(9)
    assert (rejection.reason, rejection.producer, rejection.out_trade_no) == (
        "bad_seal",
        None,
        None,
    )
    assert ledger.find(TERMS.customer_no, NUMBER) is None


@pytest.mark.usefixtures("shop")
def test_a_wrong_job_is_rejected_by_its_number(service: UseCases, ledger: SqlLedger) -> None:
    """
    To its own producer.
    """
    found = take(service, sealed(a_job(amount_fen=0)))

    assert isinstance(found, Invalid)
    (rejection,) = ledger.rejections(9)
    assert (rejection.reason, rejection.producer) == ("invalid", "shop")
    assert rejection.out_trade_no == NUMBER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"merchant": "999"}, "misdirected"),
        ({"profile": "live"}, "misdirected"),
        ({"issued": "2026-03-01T11:00:00+00:00", "expires": str(at(0))}, "expired"),
        ({"issued": "2026-03-01T11:00:00+00:00", "expires": str(at(1))}, None),
    ],
)
@pytest.mark.usefixtures("shop")
def test_a_seal_is_good_here_and_now(
    service: UseCases, changes: Mapping[str, object], reason: str | None
) -> None:
    """
    For this merchant and profile, until its time is over.
    """
    found = take(service, sealed(a_job(obligation="debt-1"), **changes))

    assert getattr(found, "reason", None) == reason


def test_what_is_a_payout_stays_one_whatever_becomes_of_its_seal(
    service: UseCases, ledger: SqlLedger, clock: Clock, shop: JobKey, gateway: ScriptedGateway
) -> None:
    """
    A producer that repeats itself after its key's end, or the job's, is told so; and it is sent.
    """
    text = sealed()
    take(service, text)

    ledger.retire_job_key(shop.name, "wu", "lost")

    assert take(service, text) == Same(1)
    new = take(service, sealed(a_job(out_trade_no="WITHDRAW2")))
    assert isinstance(new, Conflict)
    assert new.reason == "key_not_good"
    gateway.replies = [a_trade(TradeStatus.ACSU)]
    service.send()
    assert len(gateway.sent) == 1
    clock.advance(days=2)
    assert take(service, text) == Same(1)


def test_a_disabled_producers_keys_end(service: UseCases, ledger: SqlLedger, shop: JobKey) -> None:
    """
    With its tokens.
    """
    ledger.disable_producer("shop", "wu", "sold")

    found = take(service, sealed())

    assert isinstance(found, Conflict)
    assert found.reason == "key_not_good"
    (key,) = ledger.job_keys(shop.producer)
    assert (key.retired_by, key.retired_why) == ("wu", "sold")


@pytest.mark.usefixtures("shop")
def test_a_producer_withdraws_its_own(service: UseCases, ledger: SqlLedger) -> None:
    """
    Once, twice; and nobody withdraws another's.
    """
    take(service, sealed())
    cancelled = {"out_trade_no": NUMBER, "why": "asked twice"}
    ledger.add_producer("other", "mei")
    ledger.add_job_key("other", KeyKind.SHARED, b"o" * 32, MEI)

    strangers = take(service, shared("other.1", b"o" * 32, claims(cancelled, purpose="cancel")))

    assert isinstance(strangers, Conflict)
    assert strangers.reason == "not_found"
    assert the_payout(ledger).status is PayoutStatus.QUEUED
    for _ in range(2):
        assert take(service, sealed(cancelled, purpose="cancel")) == Withdrawn(1)
    assert the_payout(ledger).status is PayoutStatus.CANCELLED


@pytest.mark.usefixtures("shop")
def test_a_number_belongs_to_whose_seal_brought_it(service: UseCases) -> None:
    """
    Another producer hears that it is taken, and nothing of what it pays.
    """
    take(service, a_job())

    found = take(service, sealed())

    assert isinstance(found, Conflict)
    assert found.reason == "number_in_use"


def test_without_a_seal_no_money_moves(
    handler: EvidenceHandler, gateway: ScriptedGateway, clock: Clock, ledger: SqlLedger
) -> None:
    """
    In the live profile a job must be sealed at the door, and a row must have its seal to be sent.
    """
    live = replace(TERMS, profile="live")
    service = UseCases(handler, gateway, RecordingDispatcher(), live, steady=clock.steady)

    found = take(service, a_job())

    assert isinstance(found, Conflict)
    assert found.reason == "unsealed"
    refused = service.acceptor.withdraw("unsealed", NUMBER, "as it seems")
    assert isinstance(refused, Conflict)
    assert refused.reason == "unsealed"
    ledger.accept([Entry(an_order())], live)
    service.send()
    assert gateway.sent == []


def test_a_row_is_held_against_its_producers_seal(
    service: UseCases, ledger: SqlLedger, gateway: ScriptedGateway, shop: JobKey
) -> None:
    """
    Whoever has the keys of the database and none of the producer's can have nobody else paid.
    """
    text = sealed()
    take(service, text)
    swapped = replace(
        PAYEE, mobile=None, id_type=None, id_no=None, account_no="6222020000000000000"
    )
    rewrite(ledger, text, shop, payee=swapped)

    service.send()

    assert gateway.sent == []
    (case,) = ledger.cases(open_only=True, limit=9)
    assert case.kind is CaseKind.TAMPERED


def test_a_row_that_says_the_same_passes(
    service: UseCases, ledger: SqlLedger, gateway: ScriptedGateway, shop: JobKey
) -> None:
    """
    So what the test above changes is what stops it.
    """
    text = sealed()
    take(service, text)
    rewrite(ledger, text, shop, payee=NAMED)
    gateway.replies = [a_trade(TradeStatus.ACSU)]

    service.send()

    assert len(gateway.sent) == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("column", ["sealed_job", "job_key"])
def test_whose_seal_is_exchanged_or_gone_is_not_sent(
    service: UseCases, ledger: SqlLedger, gateway: ScriptedGateway, column: str
) -> None:
    """
    By whoever writes to the database and holds no key.
    """
    numbers = ("WITHDRAW1", "WITHDRAW2")
    for place, number in enumerate(numbers):
        take(service, sealed(a_job(out_trade_no=number, amount_fen=100 + place)))
    with ledger._engine.begin() as conn:
        take_fences_away(conn)
        found = {row.out_trade_no: row for row in conn.execute(sa.select(payouts))}
        for number, other in (numbers, numbers[::-1]):
            value = None if column == "job_key" else found[other].sealed_job
            own = sa.update(payouts).where(payouts.c.out_trade_no == number)
            conn.execute(own.values({column: value}))

    service.send()

    assert gateway.sent == []
    cases = ledger.cases(open_only=True, limit=9)
    assert [case.kind for case in cases] == [CaseKind.TAMPERED, CaseKind.TAMPERED]


def rewrite(ledger: SqlLedger, text: str, key: JobKey, **changes: object) -> None:
    """
    Seal a row anew as the worker itself would, with another content.
    """
    order = an_order(NUMBER, producer="shop", **changes)
    columns = order_columns(order, TERMS, ledger.seals, KeptSeal(key.name, text))
    names = ("payee_masked", "sealed_payee", "sealed_order", "sealed_job")
    with ledger._engine.begin() as conn:
        take_fences_away(conn)
        row = {**conn.execute(sa.select(payouts)).mappings().one(), **columns}
        seal = ledger.seals.vouch(payouts.c.seal, row)
        conn.execute(sa.update(payouts).values(seal=seal, **{n: columns[n] for n in names}))


@pytest.mark.usefixtures("shop")
def test_a_seal_for_something_else_than_the_address_is_refused(service: UseCases) -> None:
    """
    Nothing is done under an address that says otherwise.
    """
    other = take_sealed(service.acceptor, sealed(), Purpose.CANCEL, NUMBER)
    another = take_sealed(service.acceptor, sealed(), Purpose.PAY, "WITHDRAW2")

    assert isinstance(other.taken, Invalid)
    assert isinstance(another.taken, Invalid)
    with pytest.raises(UnusableSeal):
        service.acceptor.open("text")

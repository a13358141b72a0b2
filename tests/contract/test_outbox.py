"""
Events: written with what causes them, announced in one order, delivered in order of each payout.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import pytest

from tests.contract import stories
from tests.contract.samples import (
    MERCHANT,
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    applied,
    claimed,
    close_attempt,
    in_review,
)
from worker.payouts.endpoint import RETRIES, Backlog, Delivery, EndpointKind, Tried, Try
from worker.payouts.errors import NoSuchEvent, NotAllowed
from worker.payouts.event import Event, EventType
from worker.payouts.evidence import TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Rejection
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Ledger
from worker.usecases.ports.outbox import OutboxLedger

LEASE = timedelta(minutes=1)
HOOK = "https://shop.example/hook"


class Outbox(Ledger, OutboxLedger, Protocol):
    """
    A ledger whose events can be looked at, and told.
    """

    add_endpoint: Callable[..., int]
    rotate_key: Callable[..., None]
    disable_endpoint: Callable[[int], None]
    retry_endpoint: Callable[[int], int]
    events: Callable[..., Sequence[Event]]
    last_position: Callable[[], int]
    event: Callable[[str], Event]
    deliveries: Callable[[Event], Sequence[tuple[str, Delivery, Sequence[Tried]]]]
    backlogs: Callable[[], Sequence[Backlog]]
    resend: Callable[..., int]
    resend_since: Callable[..., int]


@pytest.fixture
def outbox(ledger: Outbox) -> Outbox:
    """
    The ledger under test, by what a relay and its operators ask of it.
    """
    return ledger


def told(ledger: Outbox, number: str = "P-1") -> list[Event]:
    """
    The events of a payout, in their order.
    """
    return [*reversed(ledger.events(100, out_trade_no=number))]


def types(ledger: Outbox, number: str = "P-1") -> list[str]:
    """
    Their types.
    """
    return [event.type.value for event in told(ledger, number)]


def a_hook(ledger: Outbox, *wanted: EventType, producer: str = "shop") -> int:
    """
    An endpoint of a producer's.
    """
    return ledger.add_endpoint(producer, EndpointKind.WEBHOOK, HOOK, wanted, key="whsec_YQ==")


def due(ledger: Outbox, endpoint_id: int) -> Sequence[Delivery]:
    """
    What a relay gets to deliver now.
    """
    ledger.announce(100)
    return ledger.claim_deliveries(endpoint_id, 100, LEASE)


def note(ledger: Outbox, deliveries: Sequence[Delivery], outcome: str) -> None:
    """
    Each was answered so, after a second.
    """
    taken = outcome == "200"
    second = timedelta(seconds=1)
    ledger.note_tries([(one, Try(one.id, taken, outcome, second)) for one in deliveries])


def paid(ledger: Outbox, number: str = "P-1") -> None:
    """
    A payout that was accepted, sent and paid.
    """
    payout = accepted(ledger, number)
    fini = a_verified_answer(number=number, trade_status=TradeStatus.FINI)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.ANSWERED, "0000", fini)
    EvidenceHandler(ledger, MERCHANT, Limits(), "worker").apply(payout.id)


def test_each_move_is_an_event_of_the_payout(outbox: Outbox) -> None:
    """
    Epoch and version order them; number, debt and amounts are told, and of the payee nothing.
    """
    paid(outbox)

    assert types(outbox) == ["payout.accepted", "payout.sent", "payout.paid"]
    events = told(outbox)
    versions = [event.version for event in events]
    assert versions == sorted({*versions})
    assert {event.epoch for event in events} == {1}
    assert len({event.uid for event in events}) == 3
    last = events[-1]
    assert (last.customer_no, last.producer, last.obligation) == (MERCHANT, "shop", "P-1")
    assert (last.amount_fen, last.returned_fen, last.status) == (12_345, 0, "paid")
    shown = repr(events)
    assert not any(text in shown for text in ("6222", "张三丰", "13812345678", "提现"))


def test_a_close_says_from_when_the_debt_can_be_freed(outbox: Outbox, clock: VirtualClock) -> None:
    """
    JD's second close, a day after the first, is what proves it.
    """
    payout = accepted(outbox)
    clos = a_verified_answer(trade_status=TradeStatus.CLOS)
    close_attempt(outbox, claimed(outbox, payout), AttemptOutcome.ANSWERED, "0000", clos)
    stories.judged(outbox, payout)

    failed = told(outbox)[-1]
    assert failed.type is EventType.FAILED
    assert failed.repayable_from == clock.now + timedelta(hours=24)


def test_a_part_that_comes_back_is_an_event_without_a_move(outbox: Outbox) -> None:
    """
    The payout stays paid; more of it later is another event, the whole a return.
    """
    paid(outbox)
    payout = outbox.find(MERCHANT, "P-1")
    assert payout is not None
    applied(outbox, payout.id, returned_fen=100)
    applied(outbox, payout.id, returned_fen=100)
    applied(outbox, payout.id, returned_fen=300)

    assert types(outbox)[3:] == ["payout.partly_returned"] * 2
    assert [event.returned_fen for event in told(outbox)[3:]] == [100, 300]


def test_a_case_of_the_producers_is_told_and_of_others_not(
    outbox: Outbox, clock: VirtualClock
) -> None:
    """
    A payout that went stale waits for its producer; a review is between the merchant's people.
    """
    stories.stale(outbox, clock)
    in_review(outbox, "P-2")

    assert types(outbox) == ["payout.accepted", "payout.held", "payout.needs_attention"]
    assert told(outbox)[-1].case is CaseKind.STALE
    assert told(outbox)[-1].status == "held"
    assert types(outbox, "P-2") == ["payout.accepted", "payout.held"]


def test_only_a_release_frees_the_debt(outbox: Outbox) -> None:
    """
    A cancelled payout holds its debt until someone releases it.
    """
    payout = accepted(outbox)
    for action in (Action.CANCEL, Action.RELEASE):
        dossier = outbox.dossier(payout.id)
        outbox.carry_out(dossier, decide(action, dossier, "cli:mei", "wanted"))

    assert types(outbox) == ["payout.accepted", "payout.cancelled", "obligation.freed"]


def test_a_replacement_takes_the_debt_and_frees_it_for_nobody(outbox: Outbox) -> None:
    """
    Who heard that it is free would pay it beside the replacement.
    """
    payout = accepted(outbox)
    dossier = outbox.dossier(payout.id)
    outbox.carry_out(dossier, decide(Action.CANCEL, dossier, "cli:mei", "wanted"))
    dossier = outbox.dossier(payout.id)
    order = an_order("P-2", obligation="P-1")
    outbox.replace(dossier, may_replace(dossier, "cli:mei", "right card"), order, TERMS)

    assert "obligation.freed" not in types(outbox) + types(outbox, "P-2")


def test_what_is_not_committed_is_no_event(outbox: Outbox) -> None:
    """
    A job whose number is taken leaves no trace of a payout.
    """
    accepted(outbox)
    assert accept(outbox, an_order(amount_fen=1)) is None

    assert types(outbox) == ["payout.accepted"]


def test_a_rejection_is_told_to_whose_job_it_was(outbox: Outbox) -> None:
    """
    With what is wrong; where nobody said whose it is, nobody is told.
    """
    faults = ("payee.account_no: not digits",)
    outbox.reject(Rejection("invalid", faults, 9, "ab", "P-1", "shop"))
    outbox.reject(Rejection("invalid", faults, 9, "ab", "P-2"))

    (event,) = told(outbox)
    assert (event.type, event.producer) == (EventType.REJECTED, "shop")
    assert event.faults == ("invalid", *faults)
    assert told(outbox, "P-2") == []


def test_positions_are_given_once_and_without_gaps(outbox: Outbox) -> None:
    """
    A reader that goes on from the last position has missed nothing.
    """
    accepted(outbox, "P-1")
    assert outbox.announce(10) == 1
    accepted(outbox, "P-2")
    accepted(outbox, "P-3")
    assert (outbox.announce(1), outbox.announce(10), outbox.announce(10)) == (1, 1, 0)

    found = outbox.events(10, after=0)
    assert [(event.position, event.out_trade_no) for event in found] == [
        (1, "P-1"),
        (2, "P-2"),
        (3, "P-3"),
    ]
    assert outbox.events(10, after=2) == found[2:]
    assert outbox.last_position() == 3


def test_an_endpoint_hears_of_its_producer_what_it_chose(outbox: Outbox) -> None:
    """
    Only from when it was added, and of no other producer's payouts.
    """
    accepted(outbox, "P-0")
    outbox.announce(10)
    all_, chosen = a_hook(outbox), a_hook(outbox, EventType.PAID)
    stranger = a_hook(outbox, producer="another")
    paid(outbox)

    assert [one.event.type for one in due(outbox, all_)] == [EventType.ACCEPTED]
    assert [one.event.type for one in due(outbox, chosen)] == [EventType.PAID]
    assert due(outbox, stranger) == []


def test_of_one_payout_the_next_waits_for_the_one_before(
    outbox: Outbox, clock: VirtualClock
) -> None:
    """
    Others go on meanwhile; a try that fails keeps its payout's events in order.
    """
    hook = a_hook(outbox)
    paid(outbox)
    (first,) = due(outbox, hook)
    accepted(outbox, "P-2")
    assert [one.event.out_trade_no for one in due(outbox, hook)] == ["P-2"]
    note(outbox, [first], "500")
    assert due(outbox, hook) == []
    clock.advance(seconds=5)

    (again,) = due(outbox, hook)
    assert (again.event, again.tries) == (first.event, 1)
    note(outbox, [again], "200")
    (second,) = due(outbox, hook)
    assert second.event.type is EventType.SENT


def test_a_relay_that_died_is_followed_by_another(outbox: Outbox, clock: VirtualClock) -> None:
    """
    What it claimed is told once its lease is over; what it notes then changes nothing.
    """
    hook = a_hook(outbox)
    accepted(outbox)
    claimed_first = due(outbox, hook)
    assert due(outbox, hook) == []
    clock.advance(minutes=1)

    claimed_again = due(outbox, hook)
    assert [one.event for one in claimed_again] == [one.event for one in claimed_first]
    note(outbox, claimed_again, "200")
    note(outbox, claimed_first, "500")
    clock.advance(days=4)
    assert due(outbox, hook) == []


def test_what_was_told_of_a_lost_event_counts_for_no_other(outbox: Outbox) -> None:
    """
    A database that went back gives ids anew: a relay that notes late means an event of before.
    """
    hook = a_hook(outbox)
    accepted(outbox)
    (now,) = due(outbox, hook)
    lost = replace(now, event=replace(now.event, uid="of-a-lost-event"))
    note(outbox, [lost, replace(now, id=now.id + 77)], "200")

    ((_, delivery, tries),) = outbox.deliveries(now.event)
    assert (delivery.tries, delivery.delivered_at, [*tries]) == (0, None, [])
    note(outbox, [now], "200")
    ((_, delivery, tries),) = outbox.deliveries(now.event)
    assert delivery.delivered_at is not None
    assert len(tries) == 1


def test_it_is_tried_for_about_three_days(outbox: Outbox, clock: VirtualClock) -> None:
    """
    With growing waits; then it is given up, and the next event of the payout has its turn.
    """
    hook = a_hook(outbox)
    paid(outbox)
    began, tries = clock.now, 0
    while one := due(outbox, hook):
        if one[0].event.type is not EventType.ACCEPTED:
            break
        tries += 1
        note(outbox, one, "connection refused")
        clock.advance(seconds=RETRIES[min(tries, len(RETRIES)) - 1].total_seconds())

    assert tries == 11
    waited = clock.now - began - RETRIES[-1]
    assert timedelta(days=2, hours=20) <= waited <= timedelta(days=3)
    ((address, delivery, made),) = outbox.deliveries(told(outbox)[0])
    assert (address, delivery.next_at, delivery.delivered_at) == (HOOK, None, None)
    assert [one.outcome for one in made] == ["connection refused"] * 11


def test_what_was_told_can_be_told_again(outbox: Outbox) -> None:
    """
    To whoever was told, or to one endpoint that was not there then; never to another producer's.
    """
    hook = a_hook(outbox)
    accepted(outbox)
    note(outbox, due(outbox, hook), "200")
    (event,) = told(outbox)
    late, stranger = a_hook(outbox), a_hook(outbox, producer="another")

    assert outbox.resend([event.uid]) == 1
    assert [one.event.uid for one in due(outbox, hook)] == [event.uid]
    assert outbox.resend([event.uid], late) == 1
    assert [one.event.uid for one in due(outbox, late)] == [event.uid]
    assert outbox.resend([event.uid], stranger) == 0
    with pytest.raises(NoSuchEvent):
        outbox.event("nothing")


def test_what_an_endpoint_has_lost_is_told_again(outbox: Outbox, clock: VirtualClock) -> None:
    """
    All that it was told of since a moment, in its order; nothing older, to nobody else.
    """
    hook, other = a_hook(outbox), a_hook(outbox)
    accepted(outbox, "P-1")
    clock.advance(hours=1)
    since = clock.now
    paid(outbox, "P-2")
    for endpoint in (hook, other):
        while some := due(outbox, endpoint):
            note(outbox, some, "200")

    assert outbox.resend_since(hook, since) == 3
    heard = []
    while some := due(outbox, hook):
        heard += [(one.event.out_trade_no, one.event.type.value) for one in some]
        note(outbox, some, "200")
    assert heard == [("P-2", f"payout.{name}") for name in ("accepted", "sent", "paid")]
    assert due(outbox, other) == []
    outbox.disable_endpoint(hook)
    assert outbox.resend_since(hook, since) == 0


def test_what_waits_for_a_repaired_endpoint_is_tried_at_once(outbox: Outbox) -> None:
    """
    Its events in their order, and from then on as often as if they were new.
    """
    hook = a_hook(outbox)
    paid(outbox)
    note(outbox, due(outbox, hook), "500")
    assert due(outbox, hook) == []
    assert outbox.retry_endpoint(hook) == 3

    (first,) = due(outbox, hook)
    assert (first.event.type, first.tries) == (EventType.ACCEPTED, 0)
    outbox.disable_endpoint(hook)
    with pytest.raises(NotAllowed, match="no active endpoint"):
        outbox.retry_endpoint(hook)


def test_a_rotated_key_signs_beside_the_one_before(outbox: Outbox, clock: VirtualClock) -> None:
    """
    For as long as was said. What is stored is sealed.
    """
    hook = a_hook(outbox)
    outbox.rotate_key(hook, "whsec_Yg==", timedelta(hours=1))
    (endpoint,) = outbox.endpoints()
    assert endpoint.keys == ("whsec_Yg==", "whsec_YQ==")
    assert "whsec" not in repr(endpoint)
    clock.advance(hours=1)
    (endpoint,) = outbox.endpoints()
    assert endpoint.keys == ("whsec_Yg==",)
    queue = outbox.add_endpoint("shop", EndpointKind.QUEUE, "shop.events", ())
    with pytest.raises(NotAllowed, match="no active webhook"):
        outbox.rotate_key(queue, "whsec_Yg==", timedelta(0))


def test_a_disabled_endpoint_is_told_nothing_more(outbox: Outbox) -> None:
    """
    What waited is given up, and is no backlog.
    """
    hook = a_hook(outbox)
    accepted(outbox)
    outbox.announce(10)
    (backlog,) = outbox.backlogs()
    assert (backlog.waiting, backlog.address) == (1, HOOK)
    outbox.disable_endpoint(hook)
    accepted(outbox, "P-2")

    assert due(outbox, hook) == []
    assert outbox.backlogs() == []
    assert outbox.resend([told(outbox)[0].uid]) == 0
    with pytest.raises(NotAllowed, match="no active endpoint"):
        outbox.disable_endpoint(hook)


def test_relays_side_by_side_keep_the_order(outbox: Outbox) -> None:
    """
    Two of them announce and deliver at once: each payout's events come once each, in order.
    """
    hook = a_hook(outbox)
    numbers = [f"P-{place}" for place in range(12)]
    heard: list[tuple[str, int]] = []
    lock = threading.Lock()
    left = threading.Event()

    def relay() -> None:
        while not left.is_set() or outbox.backlogs()[0].waiting:
            outbox.announce(3)
            some = outbox.claim_deliveries(hook, 4, LEASE)
            with lock:
                heard.extend((one.event.out_trade_no or "", one.event.version) for one in some)
            note(outbox, some, "200")

    relays = [threading.Thread(target=relay) for _ in range(2)]
    for thread in relays:
        thread.start()
    for number in numbers:
        paid(outbox, number)
    while outbox.announce(100):
        pass
    left.set()
    for thread in relays:
        thread.join()

    assert len(heard) == 36
    for number in numbers:
        versions = [version for name, version in heard if name == number]
        assert versions == sorted({*versions})


def test_each_try_is_kept(outbox: Outbox, clock: VirtualClock) -> None:
    """
    What was answered, when, and how long that took.
    """
    hook = a_hook(outbox)
    accepted(outbox)
    note(outbox, due(outbox, hook), "503")

    ((_, _, made),) = outbox.deliveries(told(outbox)[0])
    assert made == [Tried(clock.now, "503", timedelta(seconds=1))]

from tests.chaos.events import behind, disorder, unheard
from tests.chaos.heard import Hearing
from tests.factories import at
from worker.payouts.event import Event, EventType


def happened(uid: str, number: str, epoch: int, version: int) -> Event:
    """
    An event of which only the place matters.
    """
    return Event(uid, EventType.PAID, at(), "unsealed", "36", number, epoch, version)


def test_what_a_shop_did_not_hear_is_named() -> None:
    """
    By the event's id: neither more, nor something else of the same payout, makes up for it.
    """
    events = [happened("a", "N1", 1, 1), happened("b", "N1", 1, 2)]
    heard = [Hearing("a", "N1", 1, 1), Hearing("c", "N1", 1, 2)]

    assert [event.uid for event in unheard(events, heard)] == ["b"]
    assert unheard(events, [*heard, Hearing("b", "N1", 1, 2)]) == []


def test_the_order_of_each_payout_counts_and_no_other() -> None:
    """
    Versions count within an epoch, epochs before versions, and jobs that were rejected not at all.
    """
    in_order = [
        *(Hearing("a", "N1", 1, 1), Hearing("b", "N2", 1, 9), Hearing("c", "N1", 1, 2)),
        *(Hearing("d", "N1", 1, 2), Hearing("e", "N1", 2, 1), Hearing("f", "N1", 2, 0)),
    ]

    assert [*disorder(in_order)] == []
    assert [*disorder([*in_order, Hearing("g", "N1", 1, 9)])] == [
        "event g: N1 was heard in another order"
    ]


def test_a_shop_is_behind_until_it_heard_the_latest() -> None:
    """
    In whatever order: only the highest place counts, and so does one that never happened.
    """
    events = [happened("a", "N1", 1, 8), happened("b", "N1", 2, 1)]
    first, last = Hearing("a", "N1", 1, 8), Hearing("b", "N1", 2, 1)

    assert [*behind(events, [last, first])] == []
    assert [*behind(events, [first])] == [
        "N1: epoch and version (2, 1) were not the last to be heard"
    ]
    assert len([*behind(events, [last, Hearing("c", "N1", 2, 2)])]) == 1

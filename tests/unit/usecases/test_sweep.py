"""
Who is woken, how often, and what becomes of those for whom the queues have no room.
"""

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import an_order, at
from worker.payouts.errors import MaybeSent


def test_an_accepted_payout_is_not_woken_twice(
    service: UseCases, dispatcher: RecordingDispatcher, clock: Clock
) -> None:
    """
    The sweep leaves time to the wake-up that went out with the acceptance, then repeats it.
    """
    service.accept(an_order())
    for _ in range(5):
        clock.advance(seconds=5)
        service.sweep()

    assert dispatcher.submits == [1]

    clock.advance(seconds=5)
    service.sweep()

    assert dispatcher.submits == [1, 1]


def test_wake_ups_do_not_pile_up_while_nobody_takes_them(
    service: UseCases, dispatcher: RecordingDispatcher, gateway: ScriptedGateway, clock: Clock
) -> None:
    """
    However long workers are away, no more wait than the queues have room for.
    """
    gateway.replies = [MaybeSent("read_timeout") for _ in range(3)]
    for place in range(6):
        service.accept(an_order(f"P000000{place}"))
    for sent in (1, 2, 3):
        service.submit(sent)
    dispatcher.submits.clear()
    dispatcher.takes = 2
    for _ in range(60):
        clock.advance(minutes=1)
        service.sweep()

    assert (len(dispatcher.submits), len(dispatcher.queries)) == (2, 2)


def test_whoever_found_no_room_comes_first(
    service: UseCases, dispatcher: RecordingDispatcher, clock: Clock
) -> None:
    """
    Two at a time, all five are woken before any is woken again.
    """
    for place in range(5):
        service.accept(an_order(f"P000000{place}"))
    dispatcher.takes = 2
    woken = []
    for _ in range(4):
        dispatcher.submits.clear()
        clock.advance(seconds=30)
        service.sweep()
        woken += dispatcher.submits

    assert woken == [1, 2, 3, 4, 5, 1, 2, 3]


def test_without_room_nothing_loses_its_due_time(
    service: UseCases, dispatcher: RecordingDispatcher, gateway: ScriptedGateway, clock: Clock
) -> None:
    """
    A sweep that could wake nobody leaves everything to the next one.
    """
    gateway.replies = [MaybeSent("read_timeout")]
    for number in ("P0000001", "P0000002"):
        service.accept(an_order(number))
    service.submit(1)
    dispatcher.submits.clear()
    dispatcher.takes = 0
    clock.advance(minutes=5)

    swept = service.sweep()

    assert (swept.sends, swept.queries) == (0, 0)
    asked, find_stale = (service.ledger.dossier(payout_id).payout for payout_id in (1, 2))
    assert (asked.next_query_at, asked.query_misses) == (at(1), 0)
    assert find_stale.next_send_at == at(0.5)

    dispatcher.takes = 1
    service.sweep()

    assert (dispatcher.submits, dispatcher.queries) == ([2], [1])

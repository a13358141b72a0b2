"""
Who is woken, and when.
"""

from datetime import timedelta

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, Died, RecordingDispatcher, ScriptedGateway
from tests.factories import an_order
from worker.payouts.errors import MaybeSent
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.sweep import Sweeper


@pytest.fixture
def unanswered(
    service: UseCases, dispatcher: RecordingDispatcher, gateway: ScriptedGateway
) -> None:
    """
    A payout that was sent, and of which nothing is known yet; nobody was woken since.
    """
    gateway.replies = [MaybeSent("read_timeout")]
    service.accept(an_order("P0000009"))
    service.send()
    dispatcher.woken.clear()


def test_nobody_is_woken_for_nothing(
    service: UseCases, dispatcher: RecordingDispatcher, unanswered: None
) -> None:
    """
    Nothing is due to be sent, and no question is due yet.
    """
    service.sweep()

    assert dispatcher.woken == []


def test_whoever_asks_is_woken_before_a_question_is_due(
    handler: EvidenceHandler,
    ledger: SqlLedger,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    unanswered: None,
) -> None:
    """
    It falls due a minute after it was sent: from the sweep before that on, five seconds ahead.
    """
    sweeper = Sweeper(handler, ledger, dispatcher, timedelta(seconds=5))
    clock.advance(seconds=54)
    assert not sweeper.sweep().queries
    assert dispatcher.woken == []

    clock.advance(seconds=1)
    assert sweeper.sweep().queries
    assert dispatcher.woken == ["querier"]


def test_questions_come_before_sends(
    service: UseCases, dispatcher: RecordingDispatcher, clock: Clock, unanswered: None
) -> None:
    """
    Both are due: first JD is asked what became of the old ones.
    """
    service.accept(an_order())
    dispatcher.woken.clear()
    clock.advance(minutes=1)
    service.sweep()

    assert dispatcher.woken == ["querier", "sender"]


def test_one_wake_up_stands_for_all_that_is_due(
    service: UseCases, dispatcher: RecordingDispatcher
) -> None:
    """
    Whoever is woken finds them all, so a sweep wakes one.
    """
    for place in range(5):
        service.accept(an_order(f"P000000{place}"))
    dispatcher.woken.clear()
    service.sweep()

    assert dispatcher.woken == ["sender"]


def test_one_sweep_ends_all_leases_that_are_over(
    service: UseCases, clock: Clock, gateway: ScriptedGateway
) -> None:
    """
    Everything died with many requests in flight: all are accounted for, few at a time.
    """
    gateway.replies = [Died()] * 7
    for place in range(7):
        clock.advance(seconds=0.1)
        service.accept(an_order(f"P000000{place}"))
        with pytest.raises(Died):
            service.submit(place + 1)
    clock.advance(minutes=2)

    assert service.sweep(limit=2).applied == 7
    statuses = {service.ledger.dossier(place + 1).payout.status for place in range(7)}
    assert statuses == {PayoutStatus.UNKNOWN}


def test_what_nobody_takes_keeps_its_due_time(
    service: UseCases, clock: Clock, gateway: ScriptedGateway, unanswered: None
) -> None:
    """
    Looking does not claim: however long workers are away, the longest due comes first then.
    """
    for place in range(3):
        service.accept(an_order(f"P000000{place}"))
        clock.advance(seconds=1)
    for _ in range(100):
        clock.advance(seconds=5)
        service.sweep()

    gateway.replies = [MaybeSent("read_timeout")] * 3
    service.send()

    assert [text.partition("@")[0] for text in gateway.sent[1:]] == [
        f"P000000{place}" for place in range(3)
    ]

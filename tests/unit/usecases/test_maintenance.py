"""
The chores of each sweep, over the real ledger.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.doubles.usecases import UseCases, an_upkeep
from tests.doubles.world import Clock, ScriptedGateway
from tests.factories import MERCHANT, a_trade, an_order
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import TradeStatus
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance


@pytest.fixture
def watch(handler: EvidenceHandler, ledger: SqlLedger) -> Maintenance:
    """
    The watch under test.
    """
    return an_upkeep(handler, ledger)


@pytest.fixture
def queued(service: UseCases) -> Callable[[str], int]:
    """
    Accept an order, and give the payout's id.
    """

    def accept(number: str) -> int:
        service.accept(an_order(number))
        payout = service.ledger.find(MERCHANT, number)
        assert payout is not None
        return payout.id

    return accept


def status(service: UseCases, payout_id: int) -> PayoutStatus:
    """
    Where a payout stands.
    """
    return service.ledger.dossier(payout_id).payout.status


def test_a_payout_unsent_for_a_day_is_held_with_a_case(
    service: UseCases, watch: Maintenance, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    Even while the channel is paused, so that its end does not let loose a flood.
    """
    payout_id = queued("P-1")
    service.ledger.pause(MERCHANT, "kill switch", "alice")
    clock.advance(days=1)
    watch.run()
    watch.run()

    dossier = service.ledger.dossier(payout_id)
    assert dossier.payout.status is PayoutStatus.HELD
    assert [case.kind for case in dossier.open_cases] == [CaseKind.STALE]


def test_a_stale_payout_is_not_sent_before_the_watch_finds_it(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    A wake-up that comes late sends nothing.
    """
    payout_id = queued("P-1")
    clock.advance(days=1)
    service.submit(payout_id)

    assert gateway.sent == []


def test_what_is_overdue_alerts_once(
    service: UseCases,
    watch: Maintenance,
    gateway: ScriptedGateway,
    clock: Clock,
    queued: Callable[[str], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Two hours without a final state is told as an error, and not at every sweep.
    """
    gateway.replies = [a_trade(TradeStatus.WPAR, number="P-1")]
    service.submit(queued("P-1"))
    clock.advance(hours=2)
    with caplog.at_level(logging.ERROR, "jdpay_payouts"):
        watch.run()
        watch.run()

    errors = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors == ["overdue"]


def test_what_the_database_knows_is_told_outside(
    ledger: SqlLedger,
    watch: Maintenance,
    clock: Clock,
    queued: Callable[[str], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Once a minute in which something changed: the checkpoint's number and digest.
    """
    queued("P-1")
    with caplog.at_level(logging.INFO, "jdpay_payouts"):
        for _ in range(4):
            clock.advance(seconds=31)
            watch.run()
        clock.advance(minutes=9)
        watch.run()

    known = [ledger.checkpoint(number) for number in (1, 2, 3)]
    told = [getattr(one, "detail", "") for one in caplog.records if one.message == "checkpoint"]
    assert known[2] is None
    assert told == [f"{one} over {one.payouts} payouts" for one in known if one]
    assert [one and one.payouts for one in known] == [0, 1, None]


def test_sending_rests_while_most_of_it_ends_as_unknown(
    service: UseCases,
    watch: Maintenance,
    gateway: ScriptedGateway,
    clock: Clock,
    queued: Callable[[str], int],
) -> None:
    """
    Twenty timeouts stop the next payout; after a minute it goes out.
    """
    gateway.replies = [MaybeSent("read_timeout")] * 20
    for place in range(20):
        clock.advance(seconds=0.1)  # at JD's pace
        service.submit(queued(f"P-{place}"))
    watch.run()
    waiting = queued("P-99")
    service.submit(waiting)
    assert len(gateway.sent) == 20

    clock.advance(minutes=1)
    watch.run()
    gateway.replies = [a_trade(TradeStatus.FINI, number="P-99")]
    service.submit(waiting)
    assert status(service, waiting) is PayoutStatus.PAID


def test_a_question_that_stays_unanswered_is_asked_on(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    The doubt about a payout that was never sent outlasts a query that got lost.
    """
    payout_id = queued("P-1")
    service.ledger.begin_epoch("alice", "restored", timedelta(days=7))
    gateway.answers = [MaybeSent("read_timeout")]
    assert service.sweep().queries
    service.ask()

    clock.advance(seconds=30)
    assert service.sweep().queries
    gateway.answers = [MaybeSent("read_timeout")]
    service.ask()
    assert service.ledger.dossier(payout_id).payout.next_query_at == clock.now + timedelta(
        minutes=1
    )

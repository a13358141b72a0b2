"""
The chores of each sweep, over the real ledger.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, ScriptedGateway
from tests.factories import MERCHANT, a_bare, a_trade, an_order
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Meaning, TradeStatus
from worker.payouts.health import SweepCount
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance


class Memory:
    """
    A witness that remembers what it was told last.
    """

    def __init__(self) -> None:
        self.sweep_count: dict[str, int] = {}

    def seen(self, uid: str) -> int:
        """
        The last count.
        """
        return self.sweep_count.get(uid, 0)

    def remember(self, beat: SweepCount) -> None:
        """
        Keep it.
        """
        self.sweep_count[beat.uid] = beat.count


@pytest.fixture
def mark() -> Memory:
    """
    One that knows nothing yet.
    """
    return Memory()


@pytest.fixture
def watch(handler: EvidenceHandler, mark: Memory) -> Maintenance:
    """
    The watch under test.
    """
    return Maintenance(handler, handler.ledger, mark)


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

    assert [record.message for record in caplog.records] == ["overdue"]


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


def test_a_database_that_went_back_is_noticed(
    service: UseCases, watch: Maintenance, mark: Memory, queued: Callable[[str], int]
) -> None:
    """
    The witness saw more sweeps than the database has counted.
    """
    payout_id = queued("P-1")
    for _ in range(3):
        watch.run()
    assert service.ledger.dossier(payout_id).payout.doubted_at is None

    mark.sweep_count = {service.ledger.sweep_count().uid: 9}
    watch.run()
    doubted_at = service.ledger.dossier(payout_id).payout.doubted_at
    assert doubted_at is not None
    assert mark.seen(service.ledger.sweep_count().uid) == 4  # told once, not at every sweep


def test_a_witness_that_forgot_raises_no_alarm(
    service: UseCases, watch: Maintenance, mark: Memory, queued: Callable[[str], int]
) -> None:
    """
    A broker that was emptied knows nothing, and says so.
    """
    payout_id = queued("P-1")
    watch.run()
    mark.sweep_count.clear()
    watch.run()

    assert service.ledger.dossier(payout_id).payout.doubted_at is None


def test_a_sweep_that_overtakes_is_no_lost_one(
    service: UseCases, handler: EvidenceHandler, queued: Callable[[str], int]
) -> None:
    """
    Another sweep ends while the witness is asked.
    """

    class Busy(Memory):
        def seen(self, uid: str) -> int:
            self.remember(service.ledger.count_sweep())
            return super().seen(uid)

    payout_id = queued("P-1")
    Maintenance(handler, handler.ledger, Busy()).check_epoch()

    assert service.ledger.dossier(payout_id).payout.doubted_at is None


def test_a_process_that_starts_is_no_sweep(service: UseCases, watch: Maintenance) -> None:
    """
    Workers that start again and again must not hide that nobody sweeps.
    """
    before = service.ledger.sweep_count()
    watch.check_epoch()

    assert service.ledger.sweep_count() == before


def test_jd_is_asked_before_anything_is_sent_in_doubt(
    service: UseCases,
    gateway: ScriptedGateway,
    clock: Clock,
    queued: Callable[[str], int],
) -> None:
    """
    What the restored rows call unsent may have been paid: JD knows; what it lacks is then sent.
    """
    paid, find_stale = queued("P-1"), queued("P-2")
    service.ledger.begin_epoch("alice", "restored")
    service.submit(paid)
    service.submit(find_stale)
    assert gateway.sent == []

    gateway.answers = [
        a_trade(TradeStatus.FINI, number="P-1"),
        a_bare(Meaning.UNCLEAR),  # signed, and it says nothing: the doubt stays
    ]
    service.sweep()
    service.query(paid)
    service.query(find_stale)
    service.submit(find_stale)
    assert gateway.sent == []
    assert status(service, paid) is PayoutStatus.PAID
    assert [c.kind for c in service.ledger.dossier(paid).open_cases] == [CaseKind.UNEXPECTED]

    clock.advance(seconds=31)
    assert service.sweep().queries
    gateway.answers = [a_bare(Meaning.NOT_FOUND)]
    service.query(find_stale)
    gateway.replies = [a_trade(TradeStatus.FINI, number="P-2")]
    service.submit(find_stale)
    assert status(service, find_stale) is PayoutStatus.PAID


def test_a_question_that_stays_unanswered_is_asked_on(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    The doubt about a payout that was never sent outlasts a query that got lost.
    """
    payout_id = queued("P-1")
    service.ledger.begin_epoch("alice", "restored")
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

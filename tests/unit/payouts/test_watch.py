"""
The chores of each sweep, over the real ledger.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.factories import MEMBER, a_bare, a_trade, an_order
from tests.fakes import Clock, ScriptedGateway
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Meaning, TradeStatus
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.usecases.evidence import Clerk
from worker.usecases.service import Payouts
from worker.usecases.vigil import Beat
from worker.usecases.watch import Watch


class Memory:
    """
    A witness that remembers what it was told last.
    """

    def __init__(self) -> None:
        self.beats: dict[str, int] = {}

    def seen(self, uid: str) -> int:
        """
        The last count.
        """
        return self.beats.get(uid, 0)

    def remember(self, beat: Beat) -> None:
        """
        Keep it.
        """
        self.beats[beat.uid] = beat.count


@pytest.fixture
def witness() -> Memory:
    """
    One that knows nothing yet.
    """
    return Memory()


@pytest.fixture
def watch(clerk: Clerk, witness: Memory) -> Watch:
    """
    The watch under test.
    """
    return Watch(clerk, witness)


@pytest.fixture
def queued(service: Payouts) -> Callable[[str], int]:
    """
    Accept an order, and give the payout's id.
    """

    def accept(number: str) -> int:
        service.accept(an_order(number))
        payout = service.ledger.find(MEMBER, number)
        assert payout is not None
        return payout.id

    return accept


def status(service: Payouts, payout_id: int) -> PayoutStatus:
    """
    Where a payout stands.
    """
    return service.ledger.dossier(payout_id).payout.status


def test_a_payout_unsent_for_a_day_is_held_with_a_case(
    service: Payouts, watch: Watch, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    Even while the channel is paused, so that its end does not let loose a flood.
    """
    payout_id = queued("P-1")
    service.ledger.pause(MEMBER, "kill switch", "alice")
    clock.advance(days=1)
    watch.keep()
    watch.keep()

    dossier = service.ledger.dossier(payout_id)
    assert dossier.payout.status is PayoutStatus.HELD
    assert [case.kind for case in dossier.open_cases] == [CaseKind.STALE]


def test_a_stale_payout_is_not_sent_before_the_watch_finds_it(
    service: Payouts, gateway: ScriptedGateway, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    A wake-up that comes late sends nothing.
    """
    payout_id = queued("P-1")
    clock.advance(days=1)
    service.submit(payout_id)

    assert gateway.sent == []


def test_what_is_overdue_alerts_once(
    service: Payouts,
    watch: Watch,
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
        watch.keep()
        watch.keep()

    assert [record.message for record in caplog.records] == ["overdue"]


def test_sending_rests_while_most_of_it_ends_as_unknown(
    service: Payouts,
    watch: Watch,
    gateway: ScriptedGateway,
    clock: Clock,
    queued: Callable[[str], int],
) -> None:
    """
    Twenty timeouts stop the next payout; after a minute it goes out.
    """
    gateway.replies = [MaybeSent("read_timeout")] * 20
    for place in range(20):
        service.submit(queued(f"P-{place}"))
    watch.keep()
    waiting = queued("P-99")
    service.submit(waiting)
    assert len(gateway.sent) == 20

    clock.advance(minutes=1)
    watch.keep()
    gateway.replies = [a_trade(TradeStatus.FINI, number="P-99")]
    service.submit(waiting)
    assert status(service, waiting) is PayoutStatus.PAID


def test_a_database_that_went_back_is_noticed(
    service: Payouts, watch: Watch, witness: Memory, queued: Callable[[str], int]
) -> None:
    """
    The witness saw more sweeps than the database has counted.
    """
    payout_id = queued("P-1")
    for _ in range(3):
        watch.keep()
    assert service.ledger.dossier(payout_id).payout.doubted_at is None

    witness.beats = {service.ledger.last_beat().uid: 9}
    watch.keep()
    doubted_at = service.ledger.dossier(payout_id).payout.doubted_at
    assert doubted_at is not None
    assert witness.seen(service.ledger.last_beat().uid) == 4  # told once, not at every sweep


def test_a_witness_that_forgot_raises_no_alarm(
    service: Payouts, watch: Watch, witness: Memory, queued: Callable[[str], int]
) -> None:
    """
    A broker that was emptied knows nothing, and says so.
    """
    payout_id = queued("P-1")
    watch.keep()
    witness.beats.clear()
    watch.keep()

    assert service.ledger.dossier(payout_id).payout.doubted_at is None


def test_a_sweep_that_overtakes_is_no_lost_one(
    service: Payouts, clerk: Clerk, queued: Callable[[str], int]
) -> None:
    """
    Another sweep ends while the witness is asked.
    """

    class Busy(Memory):
        def seen(self, uid: str) -> int:
            self.remember(service.ledger.beat())
            return super().seen(uid)

    payout_id = queued("P-1")
    Watch(clerk, Busy()).check_epoch()

    assert service.ledger.dossier(payout_id).payout.doubted_at is None


def test_a_process_that_starts_is_no_sweep(service: Payouts, watch: Watch) -> None:
    """
    Workers that start again and again must not hide that nobody sweeps.
    """
    before = service.ledger.last_beat()
    watch.check_epoch()

    assert service.ledger.last_beat() == before


def test_jd_is_asked_before_anything_is_sent_in_doubt(
    service: Payouts,
    gateway: ScriptedGateway,
    clock: Clock,
    queued: Callable[[str], int],
) -> None:
    """
    What the restored rows call unsent may have been paid: JD knows; what it lacks is then sent.
    """
    paid, unsent = queued("P-1"), queued("P-2")
    service.ledger.doubt("alice", "restored")
    service.submit(paid)
    service.submit(unsent)
    assert gateway.sent == []

    gateway.answers = [
        a_trade(TradeStatus.FINI, number="P-1"),
        a_bare(Meaning.UNCLEAR),  # signed, and it says nothing: the doubt stays
    ]
    service.sweep()
    service.query(paid)
    service.query(unsent)
    service.submit(unsent)
    assert gateway.sent == []
    assert status(service, paid) is PayoutStatus.PAID
    assert [c.kind for c in service.ledger.dossier(paid).open_cases] == [CaseKind.UNEXPECTED]

    clock.advance(seconds=31)
    assert service.sweep().queries == 1
    gateway.answers = [a_bare(Meaning.NOT_FOUND)]
    service.query(unsent)
    gateway.replies = [a_trade(TradeStatus.FINI, number="P-2")]
    service.submit(unsent)
    assert status(service, unsent) is PayoutStatus.PAID


def test_a_question_that_stays_unanswered_is_asked_on(
    service: Payouts, gateway: ScriptedGateway, clock: Clock, queued: Callable[[str], int]
) -> None:
    """
    The doubt about a payout that was never sent outlasts a query that got lost.
    """
    payout_id = queued("P-1")
    service.ledger.doubt("alice", "restored")
    gateway.answers = [MaybeSent("read_timeout")]
    assert service.sweep().queries == 1
    service.query(payout_id)

    clock.advance(seconds=30)
    assert service.sweep().queries == 1
    assert service.ledger.dossier(payout_id).payout.next_query_at == clock.now + timedelta(
        minutes=1
    )

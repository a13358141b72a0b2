"""
What follows a transmission: queries, notifications, and the sweep that forgets nobody.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.samples import record
from tests.doubles.usecases import UseCases
from tests.doubles.world import (
    Clock,
    Died,
    MortalLedger,
    RecordingDispatcher,
    ScriptedGateway,
    Step,
)
from tests.factories import (
    AMOUNT,
    MERCHANT,
    NUMBER,
    a_bare,
    a_trade,
    an_answer,
    an_order,
    at,
)
from worker.payouts.acceptance import Accepted
from worker.payouts.claim import Claimant, Claims
from worker.payouts.errors import MaybeSent, NotSent, StoreUnavailable
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.model import CaseKind, Payout
from worker.payouts.news import News, Told
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.query import Querier
from worker.usecases.taken import Taken

FINI = a_trade(TradeStatus.FINI)
WPAR = a_trade(TradeStatus.WPAR)
REFU = a_trade(TradeStatus.REFU)
NOT_FOUND = a_bare(Meaning.NOT_FOUND)


@pytest.fixture
def payout_id(service: UseCases, gateway: ScriptedGateway) -> int:
    """
    A payout that was sent, and nobody answered.
    """
    outcome = service.accept(an_order())
    assert isinstance(outcome, Accepted)
    gateway.replies = [MaybeSent("read_timeout")]
    service.submit(outcome.payout_id)
    return outcome.payout_id


@pytest.fixture
def row(ledger: SqlLedger, payout_id: int) -> Callable[[], Payout]:
    """
    The payout as it stands.
    """
    return lambda: ledger.dossier(payout_id).payout


def kinds(ledger: SqlLedger) -> set[CaseKind]:
    """
    The kinds of all open cases.
    """
    return {case.kind for case in ledger.cases(open_only=True, limit=100)}


# --- queries


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (FINI, PayoutStatus.PAID),
        (WPAR, PayoutStatus.PROCESSING),
        (a_trade(TradeStatus.CLOS), PayoutStatus.FAILED),
        (NOT_FOUND, PayoutStatus.UNKNOWN),
        (a_bare(Meaning.NO_RESULT), PayoutStatus.UNKNOWN),
        (a_bare(Meaning.PAYEE), PayoutStatus.UNKNOWN),
        (a_bare(Meaning.UNCLEAR), PayoutStatus.UNKNOWN),
        (replace(FINI, verified=False), PayoutStatus.UNKNOWN),
        (replace(FINI, amount_fen=AMOUNT + 1), PayoutStatus.UNKNOWN),
        (MaybeSent("read_timeout"), PayoutStatus.UNKNOWN),
        (NotSent("dns"), PayoutStatus.UNKNOWN),
    ],
)
def test_what_a_query_teaches(
    service: UseCases,
    gateway: ScriptedGateway,
    payout_id: int,
    row: Callable[[], Payout],
    answer: Step,
    status: PayoutStatus,
) -> None:
    """
    A signed trade status moves the payout, and nothing else does.
    """
    gateway.answers = [answer]
    service.query(payout_id)

    assert status is row().status


def test_a_lost_answer_is_asked_for_again_with_growing_waits(
    service: UseCases,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    payout_id: int,
    row: Callable[[], Payout],
) -> None:
    """
    A sweep every second asks after 30 seconds, then 60, 120 and so on, never in a loop.
    """
    gateway.answers = [MaybeSent("read_timeout")] * 100
    for _ in range(90):
        clock.advance(seconds=10)
        service.sweep()
        service.ask()

    gaps = [later - first for first, later in zip(gateway.asked, gateway.asked[1:], strict=False)]
    assert at(1) == gateway.asked[0]
    assert [gap.total_seconds() for gap in gaps] == [30, 60, 120, 240]
    assert PayoutStatus.UNKNOWN is row().status


def test_an_answer_is_as_old_as_its_question(
    service: UseCases, gateway: ScriptedGateway, clock: Clock, payout_id: int
) -> None:
    """
    However late it comes: JD may have looked before our request arrived.
    """

    def slow() -> Answer:
        clock.advance(seconds=40)
        return NOT_FOUND

    asked_at = clock.advance(minutes=2)
    gateway.answers = [slow]
    service.query(payout_id)

    (told,) = service.ledger.dossier(payout_id).evidence
    assert (asked_at, clock.now) == (told.asked_at, told.received_at)


def test_wake_ups_that_piled_up_ask_once(
    service: UseCases,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    payout_id: int,
) -> None:
    """
    Workers that were away find five wake-ups for one question, and JD hears it once.
    """
    dispatcher.woken.clear()
    for _ in range(5):
        clock.advance(minutes=5)
        service.sweep()
    gateway.answers = [a_trade(TradeStatus.WPAR)]
    for _ in dispatcher.woken:
        service.ask()

    assert dispatcher.woken == ["querier"] * 5
    assert len(gateway.asked) == 1
    assert service.ledger.dossier(payout_id).payout.query_misses == 0


def test_every_notification_and_reply_lost_still_ends_right(
    service: UseCases,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    payout_id: int,
    row: Callable[[], Payout],
) -> None:
    """
    The follow-ups alone bring the end, at 1, 3, 10 and 120 minutes after the transmission.
    """
    gateway.answers = [WPAR, WPAR, WPAR, FINI]
    for _ in range(125):
        clock.advance(minutes=1)
        service.sweep()
        service.ask()

    assert [at(1), at(3), at(10), at(120)] == gateway.asked
    assert PayoutStatus.PAID is row().status


def test_a_worker_that_was_away_asks_once(
    service: UseCases,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    payout_id: int,
) -> None:
    """
    Three steps were missed; one question makes up for them.
    """
    gateway.answers = [WPAR] * 10
    for _ in range(20):
        clock.advance(minutes=60 if not gateway.asked else 0)
        service.sweep()
        service.ask()

    assert [at(60)] == gateway.asked


def test_a_lost_request_is_sent_again_and_paid(
    service: UseCases,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    payout_id: int,
    row: Callable[[], Payout],
) -> None:
    """
    JD never got it: after two signed absences the same request goes out again.
    """
    gateway.answers = [*[NOT_FOUND] * 4, *[FINI] * 9]
    gateway.replies = [FINI]
    for _ in range(12):
        clock.advance(minutes=1)
        service.sweep()
        service.ask()
        service.send()

    assert [at(1), at(2), at(3), at(10)] == gateway.asked[:4]
    assert (row().status, row().resends) == (PayoutStatus.PAID, 1)


def test_a_confirmed_end_is_left_in_peace(
    service: UseCases,
    handler: EvidenceHandler,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
    payout_id: int,
) -> None:
    """
    Learnt from a notification, confirmed by one query, then watched on the days of the watch.
    """
    gateway.answers = [FINI] * 20
    handler.notify(FINI)
    for quarter in range(40 * 4):
        if quarter:
            clock.advance(hours=6)
        service.sweep()
        service.ask()

    assert [(asked - at(0)).days for asked in gateway.asked] == [0, 1, 2, 3, 7, 15, 30]


# --- notifications


def test_a_notification_is_stored_and_applied(
    handler: EvidenceHandler, payout_id: int, row: Callable[[], Payout]
) -> None:
    """
    Verified, about our payout: it moves it and may be acknowledged.
    """
    assert handler.notify(FINI)
    assert PayoutStatus.PAID is row().status


@pytest.mark.parametrize(
    "answer",
    [
        replace(FINI, verified=False),
        replace(FINI, number=None),
        replace(FINI, verified=False, number="P9999999"),
        # signed, but another merchant's and about a number that we lack
        replace(FINI, merchant="other", number="P9999999"),
    ],
    ids=["unsigned", "nameless", "unsigned stranger", "other merchant"],
)
def test_what_is_not_ours_is_not_acknowledged(
    handler: EvidenceHandler, ledger: SqlLedger, payout_id: int, answer: Answer
) -> None:
    """
    It leaves no trace in the ledger.
    """
    before = ledger.dossier(payout_id)

    assert not handler.notify(answer)
    assert before == ledger.dossier(payout_id)
    assert set() == kinds(ledger)


def test_a_repeated_notification_is_acknowledged_and_stored_once(
    handler: EvidenceHandler, ledger: SqlLedger, payout_id: int
) -> None:
    """
    JD sends five; each gets its answer.
    """
    assert [handler.notify(FINI) for _ in range(5)] == [True] * 5
    assert len(ledger.dossier(payout_id).evidence) == 1


def test_a_notification_of_a_number_that_we_lack_is_kept(
    handler: EvidenceHandler, ledger: SqlLedger
) -> None:
    """
    A database restored from a backup must not lose the trace of money.
    """
    lost = replace(FINI, number="P9999999")

    assert [handler.notify(lost), handler.notify(lost)] == [True, True]
    (case,) = ledger.cases(open_only=True, limit=10)
    assert (case.kind, case.out_trade_no) == (CaseKind.ORPHAN, "P9999999")


def test_what_came_while_nobody_judged_is_judged_with_the_next(
    ledger: SqlLedger,
    handler: EvidenceHandler,
    payout_id: int,
    row: Callable[[], Payout],
) -> None:
    """
    The end was stored by a process that is gone; another message brings it to light.
    """
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, Source.NOTIFICATION, FINI)

    told = Told(Source.QUERY, a_trade(TradeStatus.ACSU), asked_at=payout.accepted_at)
    handler.keep({}, News(payout.id, told=told))

    assert PayoutStatus.PAID is row().status
    assert ledger.find_unapplied(9) == []


@pytest.mark.parametrize("field", ["merchant", "amount_fen", "currency"])
def test_a_signed_notification_that_names_something_else(
    handler: EvidenceHandler,
    ledger: SqlLedger,
    payout_id: int,
    field: str,
    row: Callable[[], Payout],
) -> None:
    """
    It is stored and acknowledged, moves nothing, opens a case and makes us ask.
    """
    other: Any = AMOUNT + 1 if field == "amount_fen" else "other"

    assert handler.notify(replace(FINI, **{field: other}))
    assert {CaseKind.MISMATCH} == kinds(ledger)
    assert (PayoutStatus.UNKNOWN, at(0)) == (row().status, row().next_query_at)


@pytest.mark.parametrize(
    ("story", "status", "cases"),
    [
        ((FINI, REFU), PayoutStatus.RETURNED, set()),
        ((REFU, FINI), PayoutStatus.RETURNED, set()),  # out of order
        ((FINI, WPAR), PayoutStatus.PAID, set()),  # late
        ((a_trade(TradeStatus.CLOS), FINI), PayoutStatus.PAID, {CaseKind.CONTRADICTION}),
        ((FINI, a_trade(TradeStatus.CLOS)), PayoutStatus.PAID, {CaseKind.CONTRADICTION}),
        (
            (FINI, a_trade(TradeStatus.REFU, refund_fen=1)),
            PayoutStatus.PAID,
            {CaseKind.PARTIAL_RETURN},
        ),
    ],
)
def test_notifications_in_any_order(
    handler: EvidenceHandler,
    ledger: SqlLedger,
    payout_id: int,
    story: tuple[Answer, ...],
    status: PayoutStatus,
    cases: set[CaseKind],
) -> None:
    """
    Late, early or contradictory, each story comes out right.
    """
    for place, answer in enumerate(story):
        handler.notify(replace(answer, raw=f"{place}".encode()))

    assert (status, cases) == (ledger.dossier(payout_id).payout.status, kinds(ledger))


def test_the_history_replays_to_the_status(
    handler: EvidenceHandler, ledger: SqlLedger, payout_id: int, row: Callable[[], Payout]
) -> None:
    """
    Every move has its row, and each begins where the one before it ended.
    """
    for place, answer in enumerate((WPAR, FINI, REFU)):
        handler.notify(replace(answer, raw=f"{place}".encode()))
    moves = ledger.history(payout_id)

    assert [m.to_status for m in moves[:-1]] == [m.from_status for m in moves[1:]]
    assert row().status is moves[-1].to_status


# --- doubt


def test_a_forged_notification_leads_to_one_question(
    handler: EvidenceHandler, clock: Clock, payout_id: int, row: Callable[[], Payout]
) -> None:
    """
    It brings the next query forward, but not more often than the spacing allows.
    """
    clock.advance(seconds=10)
    handler.hurry(NUMBER)
    assert at(1) == row().next_query_at  # too soon after the last change

    clock.advance(minutes=1.5)
    handler.hurry(NUMBER)

    assert row().next_query_at is not None
    assert row().next_query_at <= clock.now  # type: ignore[operator]
    assert PayoutStatus.UNKNOWN is row().status


def test_doubt_about_a_number_that_we_lack_does_nothing(
    handler: EvidenceHandler, ledger: SqlLedger
) -> None:
    """
    Anyone may send us any number.
    """
    handler.hurry("P9999999")

    assert ledger.payouts(None, 10) == []


def test_doubt_wakes_no_question_about_what_was_never_sent(
    service: UseCases, handler: EvidenceHandler, clock: Clock
) -> None:
    """
    Where no query is due at all, a forger cannot make one.
    """
    service.accept(an_order())
    clock.advance(hours=1)
    handler.hurry(NUMBER)
    found = service.ledger.find(MERCHANT, NUMBER)

    assert found is not None
    assert found.next_query_at is None


# --- the sweep


def test_a_lost_worker_is_noticed(
    service: UseCases, gateway: ScriptedGateway, clock: Clock
) -> None:
    """
    Its lease runs out, and the payout is unknown and followed.
    """
    service.accept(an_order())
    gateway.replies = [Died()]
    with pytest.raises(Died):
        service.submit(1)
    clock.advance(minutes=2)
    swept = service.sweep()

    payout = service.ledger.dossier(1).payout
    assert (payout.status, payout.exposed) == (PayoutStatus.UNKNOWN, True)
    assert (swept.applied, swept.queries) == (1, True)


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("dies_at", [1])
def test_death_while_learning_loses_nothing(
    ledger: SqlLedger,
    handler: EvidenceHandler,
    service: UseCases,
    payout_id: int,
    dies_at: int,
    after: bool,
) -> None:
    """
    What was stored is applied by the next sweep; what was not, JD sends again.
    """
    mortal: Any = MortalLedger(ledger, dies_at, after=after)
    with pytest.raises(Died):
        EvidenceHandler(mortal, MERCHANT, handler.limits, "doomed").notify(FINI)
    if not ledger.dossier(payout_id).evidence:
        handler.notify(FINI)
    service.sweep()

    assert PayoutStatus.PAID is ledger.dossier(payout_id).payout.status


def test_a_lost_wake_up_is_repeated_until_the_work_is_done(
    service: UseCases, gateway: ScriptedGateway
) -> None:
    """
    Each sweep tells that something is due to be sent; once it is sent nothing is.
    """
    service.accept(an_order())
    assert [service.sweep().sends for _ in range(3)] == [True, True, True]

    gateway.replies = [FINI]
    service.send()

    assert not service.sweep().sends


def test_a_pause_stops_sends_and_no_queries(
    service: UseCases, dispatcher: RecordingDispatcher, clock: Clock, payout_id: int
) -> None:
    """
    The channel's switch is for sending alone.
    """
    service.accept(an_order("P0000002"))
    service.ledger.pause(MERCHANT, "kill switch", "test")
    clock.advance(minutes=1)
    swept = service.sweep()

    assert (swept.sends, swept.queries) == (False, True)


def test_what_was_stored_and_not_judged_is_judged_by_the_sweep(
    service: UseCases, ledger: SqlLedger, payout_id: int, row: Callable[[], Payout]
) -> None:
    """
    So it is after a fault of ours, or where a payout took up an orphan: no query has to be due.
    """
    record(ledger, row(), Source.NOTIFICATION, FINI)
    service.sweep()

    assert row().status is PayoutStatus.PAID
    assert ledger.find_unapplied(9) == []


def test_one_broken_payout_does_not_stop_the_others(
    ledger: SqlLedger,
    service: UseCases,
    gateway: ScriptedGateway,
    clock: Clock,
    payout_id: int,
) -> None:
    """
    A row that cannot be read is passed over, by the sweep and by whoever asks.
    """
    gateway.replies = [MaybeSent("read_timeout")]
    service.accept(an_order("P0000002"))
    service.submit(2)
    record(ledger, ledger.dossier(payout_id).payout, Source.QUERY, an_answer(verified=False))
    with ledger._engine.begin() as conn:
        conn.execute(
            sa.text("UPDATE payouts SET reason = 'from_a_newer_version' WHERE id = :id"),
            {"id": payout_id},
        )
    gateway.answers = [a_trade(TradeStatus.FINI, number="P0000002")]
    clock.advance(minutes=5)
    service.sweep()
    service.ask()

    assert ledger.dossier(2).payout.status is PayoutStatus.PAID


def test_what_was_claimed_before_the_database_went_away_is_sent(
    ledger: SqlLedger, service: UseCases, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One row is broken, so each is claimed alone, and after the first the database is gone.
    """
    for place in (1, 2, 3):
        service.accept(an_order(f"P000000{place}"))
    with ledger._engine.begin() as conn:
        conn.execute(sa.text("UPDATE payouts SET reason = 'from_a_newer_version' WHERE id = 3"))
    claim = SqlLedger.claim

    def once(self: SqlLedger, payout_ids: list[int], claimant: Claimant) -> Claims:
        if payout_ids == [2]:
            raise StoreUnavailable("gone")
        return claim(self, payout_ids, claimant)

    monkeypatch.setattr(SqlLedger, "claim", once)
    gateway.replies = [a_trade(TradeStatus.FINI, number="P0000001")]
    for work in service.sender.take(9).works:
        work()

    assert ledger.dossier(1).payout.status is PayoutStatus.PAID


@pytest.mark.parametrize(
    ("damage", "due_again"),
    [
        ("sealed_order = 'by a key that is gone'", []),  # a person has its case
        ("reason = 'from_a_newer_version'", [2]),
    ],
)
def test_one_broken_payout_does_not_stop_the_others_from_being_sent(
    ledger: SqlLedger,
    service: UseCases,
    gateway: ScriptedGateway,
    clock: Clock,
    damage: str,
    due_again: list[int],
) -> None:
    """
    A row that cannot be read is put off alone, and comes back only after a while, or a case.
    """
    for place in (1, 2, 3):
        service.accept(an_order(f"P000000{place}"))
    with ledger._engine.begin() as conn:
        conn.execute(sa.text(f"UPDATE payouts SET {damage} WHERE id = 2"))
    gateway.replies = [a_trade(TradeStatus.FINI, number=f"P000000{place}") for place in (1, 3)]
    service.send()

    statuses = [ledger.dossier(payout_id).payout.status for payout_id in (1, 3)]
    assert statuses == [PayoutStatus.PAID, PayoutStatus.PAID]
    assert ledger.find_due_sends(MERCHANT, 9) == []
    clock.advance(seconds=30)
    assert ledger.find_due_sends(MERCHANT, 9) == due_again


def test_a_question_that_falls_due_soon_is_waited_for(
    handler: EvidenceHandler,
    ledger: SqlLedger,
    gateway: ScriptedGateway,
    clock: Clock,
    payout_id: int,
) -> None:
    """
    Not from afar; at most half a second at a time, as others may be due sooner; then it is asked.
    """
    querier = Querier(handler, ledger, gateway, timedelta(seconds=5))
    clock.advance(seconds=54)
    assert querier.take(10) == Taken()

    for seconds, wait in ((1, 0.5), (4.5, 0.5), (0.25, 0.25), (0.2, 0.1)):
        clock.advance(seconds=seconds)
        taken = querier.take(10)
        assert not taken.works
        assert taken.more_after == pytest.approx(wait)

    clock.advance(seconds=0.05)
    taken = querier.take(10)
    assert (len(taken.works), taken.more_after) == (1, None)

"""
What the sweep finds, and what it claims by finding it.
"""

from datetime import datetime, timedelta

import pytest

from tests.contract.samples import (
    LEASE,
    MERCHANT,
    NOON,
    VirtualClock,
    a_verified_answer,
    accepted,
    applied,
    claimed,
    close_attempt,
    due_queries,
    record,
    recorded,
)
from worker.payouts.evidence import Source
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote
from worker.store.ledger import SqlLedger

A_MINUTE = timedelta(minutes=1)


def test_a_running_lease_is_left_alone(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Nothing expires before its time.
    """
    claimed(ledger, accepted(ledger))
    clock.advance(minutes=2)

    assert ledger.expire_leases(10) == []


def test_an_expired_lease_closes_its_attempt(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    The attempt is lost, the lease ended when it ran out, and older decisions are stale.
    """
    payout = accepted(ledger)
    claimed(ledger, payout)
    now = clock.advance(minutes=4)

    assert ledger.expire_leases(10) == [payout.id]

    dossier = ledger.dossier(payout.id)
    (attempt,) = dossier.attempts
    assert (attempt.outcome, attempt.closed_at) == (AttemptOutcome.LOST, now)
    after = dossier.payout
    assert (after.lease_token, after.lease_until) == (None, None)
    assert (after.lease_ended_at, after.version) == (NOON + LEASE, 3)
    assert after.status is PayoutStatus.SENDING


def test_a_closed_attempt_that_nobody_settled_is_found(ledger: SqlLedger) -> None:
    """
    A worker that died between its report and the decision leaves nothing stuck in `sending`.
    """
    payout = accepted(ledger)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.NO_ANSWER, "read timeout")
    before = ledger.dossier(payout.id)

    assert ledger.expire_leases(10) == [payout.id]
    assert ledger.dossier(payout.id) == before

    applied(ledger, payout.id, status=PayoutStatus.UNKNOWN)
    assert ledger.expire_leases(10) == []


def test_a_lease_expires_whatever_the_status(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    An attempt that was overtaken by a notification is closed too, once its lease is over.
    """
    payout = accepted(ledger)
    claimed(ledger, payout)
    applied(ledger, payout.id, status=PayoutStatus.PAID)
    clock.advance(minutes=4)

    assert ledger.expire_leases(10) == [payout.id]
    assert ledger.dossier(payout.id).attempts[0].outcome is AttemptOutcome.LOST
    assert ledger.expire_leases(10) == []


def test_waiting_evidence_is_found_until_it_is_weighed(ledger: SqlLedger) -> None:
    """
    Each payout is named once, the longest waiting first, and no more once it is settled.
    """
    first, second = accepted(ledger), accepted(ledger, "P-2")
    for payout in (second, first, second):
        recorded(ledger, payout.id)

    assert ledger.find_unapplied(10) == [second.id, first.id]
    assert ledger.find_unapplied(1) == [second.id]
    applied(ledger, second.id)
    assert ledger.find_unapplied(10) == [first.id]


def test_a_payout_is_due_at_once_and_until_it_is_claimed(ledger: SqlLedger) -> None:
    """
    Whoever looks finds it, however often; once it is on its way nobody does.
    """
    payout = accepted(ledger)

    assert ledger.find_due_sends(MERCHANT, 10) == [payout.id]
    assert ledger.find_due_sends(MERCHANT, 10) == [payout.id]
    claimed(ledger, payout)
    assert ledger.find_due_sends(MERCHANT, 10) == []


def test_what_is_put_off_is_due_later(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Not before its time, without a new version; and what is not due yet keeps its own time.
    """
    payout, later = accepted(ledger), accepted(ledger, "P-2")
    applied(ledger, later.id, next_send_at=NOON + timedelta(seconds=90))

    ledger.put_off(payout.id, A_MINUTE)
    ledger.put_off(later.id, A_MINUTE)

    assert ledger.find_due_sends(MERCHANT, 10) == []
    assert ledger.dossier(payout.id).payout.version == payout.version
    clock.advance(seconds=60)
    assert ledger.find_due_sends(MERCHANT, 10) == [payout.id]
    clock.advance(seconds=30)
    assert ledger.find_due_sends(MERCHANT, 10) == [payout.id, later.id]


def test_due_sends_begin_with_the_longest_due(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Under a limit the oldest go first, and what is not due stays.
    """
    first = accepted(ledger)
    clock.advance(seconds=1)
    second = accepted(ledger, "P-2")
    applied(ledger, accepted(ledger, "P-3").id, next_send_at=clock.now + A_MINUTE)

    assert ledger.find_due_sends(MERCHANT, 1) == [first.id]
    assert ledger.find_due_sends(MERCHANT, 10) == [first.id, second.id]


def test_a_paused_channel_has_no_due_sends(ledger: SqlLedger) -> None:
    """
    A pause leaves the due time as it is, so that sending goes on where it stopped.
    """
    payout = accepted(ledger)
    ledger.pause(MERCHANT, "balance", "operator")

    assert ledger.find_due_sends(MERCHANT, 10) == []
    assert ledger.dossier(payout.id).payout == payout


def test_a_payout_with_an_open_case_is_no_due_send(ledger: SqlLedger) -> None:
    """
    Nobody is woken for what may not be sent; it is due again as soon as the case is closed.
    """
    first, second = accepted(ledger), accepted(ledger, "P-2")
    before = applied(ledger, first.id, cases=(CaseNote(CaseKind.NUMBER_TAKEN),))

    assert ledger.find_due_sends(MERCHANT, 10) == [second.id]
    assert ledger.dossier(first.id).payout == before

    (case,) = ledger.cases(open_only=True, limit=10)
    ledger.close_case(case, "operator", "looked into")

    assert ledger.find_due_sends(MERCHANT, 10) == [first.id, second.id]


def test_what_is_due_since_before_others_is_not_forgotten(
    ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    A search begins near what the last one found; within a second everything is searched again.
    """
    waiting, slow = accepted(ledger), accepted(ledger, "P-2")
    applied(ledger, waiting.id, cases=(CaseNote(CaseKind.NUMBER_TAKEN),))
    ledger.put_off(slow.id, timedelta(hours=1))
    clock.advance(minutes=10)
    payout = accepted(ledger, "P-3")
    assert ledger.find_due_sends(MERCHANT, 10) == [payout.id]

    # Its transaction began first and ended last.
    applied(ledger, slow.id, next_send_at=clock.now - timedelta(seconds=4))
    assert ledger.find_due_sends(MERCHANT, 10) == [slow.id, payout.id]

    (case,) = ledger.cases(open_only=True, limit=10)
    ledger.close_case(case, "operator", "looked into")
    clock.advance(seconds=1)
    assert ledger.find_due_sends(MERCHANT, 10) == [waiting.id, slow.id, payout.id]


def test_questions_due_since_before_others_are_not_forgotten(
    ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    Neither when they are looked for, nor when they are claimed.
    """
    early, late = accepted(ledger), accepted(ledger, "P-2")
    clock.advance(minutes=10)
    applied(ledger, late.id, next_query_at=clock.now)
    assert ledger.until_next_query(MERCHANT) == timedelta(0)
    assert due_queries(ledger) == [late.id]

    applied(ledger, early.id, next_query_at=NOON)
    clock.advance(seconds=1)
    assert ledger.until_next_query(MERCHANT) == -timedelta(minutes=10, seconds=1)
    assert due_queries(ledger) == [early.id]


def test_when_the_next_question_is_due_is_told(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Of the merchant's own payouts, the first to come or the longest overdue, without claiming it.
    """
    first, second = accepted(ledger), accepted(ledger, "P-2")
    assert ledger.until_next_query(MERCHANT) is None
    applied(ledger, second.id, next_query_at=NOON + 2 * A_MINUTE)
    applied(ledger, first.id, next_query_at=NOON + A_MINUTE)
    assert ledger.until_next_query(MERCHANT) == A_MINUTE
    assert ledger.until_next_query(f"{MERCHANT}0") is None

    clock.advance(seconds=90)
    assert ledger.until_next_query(MERCHANT) == timedelta(seconds=-30)
    assert due_queries(ledger, 10, lambda _: timedelta(hours=1)) == [first.id]
    assert ledger.until_next_query(MERCHANT) == timedelta(seconds=30)


def test_due_queries_back_off(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Each query that brings no answer is due again after a longer while, by its misses so far.
    """
    payout = accepted(ledger)
    applied(ledger, payout.id, next_query_at=NOON)

    for misses in range(3):
        assert due_queries(ledger, 10, lambda missed: A_MINUTE * 2**missed) == [payout.id]
        assert due_queries(ledger, 10, lambda missed: A_MINUTE * 2**missed) == []
        after = ledger.dossier(payout.id).payout
        assert after.query_misses == misses + 1
        assert after.next_query_at == clock.now + A_MINUTE * 2**misses
        assert after.updated_at == clock.now
        clock.advance(minutes=2**misses)


def test_due_queries_keep_each_payouts_own_pace(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Payouts with different misses are rescheduled differently in one call, the oldest first.
    """
    first, second = accepted(ledger), accepted(ledger, "P-2")
    applied(ledger, first.id, next_query_at=NOON)
    due_queries(ledger, 10)
    applied(ledger, second.id, next_query_at=NOON)
    clock.advance(minutes=1)

    assert due_queries(ledger, 10, lambda missed: A_MINUTE * (missed + 1)) == [
        second.id,
        first.id,
    ]

    paces = [ledger.dossier(payout.id).payout.next_query_at for payout in (first, second)]
    assert paces == [clock.now + 2 * A_MINUTE, clock.now + A_MINUTE]


def test_queries_run_while_a_channel_is_paused(ledger: SqlLedger) -> None:
    """
    A pause stops sending, never asking.
    """
    payout = accepted(ledger)
    applied(ledger, payout.id, next_query_at=NOON)
    ledger.pause(MERCHANT, "balance", "operator")

    assert due_queries(ledger, 10) == [payout.id]


def test_a_hurried_query_is_due_now(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    A follow-up query is brought forward, without a new version.
    """
    payout = applied(ledger, accepted(ledger).id, next_query_at=NOON + timedelta(hours=2))
    now = clock.advance(minutes=1)

    ledger.hurry(payout.id, A_MINUTE)

    after = ledger.dossier(payout.id).payout
    assert (after.next_query_at, after.version) == (now, payout.version)
    assert due_queries(ledger, 10) == [payout.id]


@pytest.mark.parametrize(
    ("due_after", "waited"),
    [
        # The row was touched a moment ago.
        (timedelta(hours=2), timedelta(seconds=59)),
        # The query is overdue already.
        (timedelta(minutes=1), timedelta(minutes=2)),
        # No query is due at all.
        (None, timedelta(minutes=2)),
    ],
)
def test_hurrying_has_limits(
    ledger: SqlLedger, clock: VirtualClock, due_after: timedelta | None, waited: timedelta
) -> None:
    """
    A flood of doubtful messages does not become a flood of queries, nor delay one.
    """
    due = None if due_after is None else NOON + due_after
    before = applied(ledger, accepted(ledger).id, next_query_at=due)
    clock.advance(seconds=waited.total_seconds())

    ledger.hurry(before.id, A_MINUTE)

    assert ledger.dossier(before.id).payout == before


def test_silence_begins_anew_once_jd_has_told_something(
    ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    Since when JD has been asked in vain is kept; what it tells under its signature ends that.
    """
    payout = accepted(ledger)

    def silence() -> tuple[datetime | None, datetime | None]:
        now = ledger.dossier(payout.id).payout
        return now.unanswered_since, now.unanswered_at

    assert silence() == (None, None)
    ledger.note_unanswered(payout.id, first := clock.advance(minutes=1))
    record(ledger, payout, Source.QUERY, a_verified_answer(verified=False))
    ledger.note_unanswered(payout.id, second := clock.advance(minutes=1))
    assert silence() == (first, second)

    clock.advance(minutes=1)
    record(ledger, payout, Source.NOTIFICATION, a_verified_answer())
    ledger.note_unanswered(payout.id, third := clock.advance(minutes=1))
    ledger.note_unanswered(payout.id, fourth := clock.advance(minutes=1))
    assert silence() == (third, fourth)

"""
What keeps watch: the heartbeat, the epoch, the breaker, and what is late.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.samples import (
    LEASE,
    MERCHANT,
    NOON,
    VirtualClock,
    a_judge,
    accepted,
    applied,
    claimed,
    close_attempt,
    due_queries,
    try_claim,
)
from worker.payouts.errors import NotAllowed
from worker.payouts.health import Overdue
from worker.payouts.model import AttemptOutcome
from worker.payouts.policy.actions import Action, decide
from worker.payouts.policy.circuit_breaker import Tally
from worker.payouts.status import PayoutStatus
from worker.usecases.ports import Ledger

A_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def ended(ledger: Ledger, number: str, status: PayoutStatus) -> int:
    """
    A payout whose one transmission ended like that.
    """
    payout = accepted(ledger, number)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.NO_ANSWER, "timeout")
    exposed = status is not PayoutStatus.QUEUED
    return applied(ledger, payout.id, status=status, exposed=exposed).id


def test_each_beat_counts(ledger: Ledger) -> None:
    """
    The count rises by one, and belongs to this database.
    """
    first, second = ledger.count_sweep(), ledger.count_sweep()

    assert (second.uid, second.sweeps) == (first.uid, first.sweeps + 1)
    assert second == ledger.sweep_count()


def test_what_a_database_has_forgotten(ledger: Ledger) -> None:
    """
    Sweeps that it has not counted, an attempt that it lacks, or that has another token there.
    """
    counted = ledger.count_sweep()
    attempt = claimed(ledger, accepted(ledger))
    known = replace(counted, attempt_id=attempt.id, token=attempt.lease_token)

    assert ledger.has_forgotten(counted) is False
    assert ledger.has_forgotten(known) is False
    assert ledger.has_forgotten(replace(known, sweeps=known.sweeps + 1)) is True
    assert ledger.has_forgotten(replace(known, attempt_id=attempt.id + 1)) is True
    assert ledger.has_forgotten(replace(known, token="another")) is True
    assert ledger.has_forgotten(replace(known, uid="another")) is None
    assert ledger.has_forgotten(counted, known) is False
    assert ledger.has_forgotten(counted, replace(known, token="another")) is True


def test_each_epoch_has_a_name_of_its_own(ledger: Ledger) -> None:
    """
    The sweeps count on.
    """
    before = ledger.count_sweep()
    ledger.begin_epoch("alice", "restored", A_DAY)
    after = ledger.sweep_count()

    assert after.uid != before.uid
    assert after.sweeps == before.sweeps
    assert ledger.has_forgotten(before) is None


def test_after_a_restore_a_new_payout_is_in_doubt_alone(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    JD is asked about it first; it holds up nobody, and once the time is over nothing is asked.
    """
    first = accepted(ledger)
    began = clock.now
    ledger.begin_epoch("alice", "restored", A_DAY)
    applied(ledger, first.id, doubted_at=None, next_query_at=None)
    clock.advance(hours=1)
    repeated = accepted(ledger, "P-2")
    clock.advance(hours=23)
    late = accepted(ledger, "P-3")

    assert (repeated.doubted_at, repeated.next_query_at) == (began, repeated.accepted_at)
    assert (late.doubted_at, late.next_query_at) == (None, None)
    assert ledger.find_due_sends(MERCHANT, 10) == [first.id, late.id]
    assert due_queries(ledger, 10) == [repeated.id]
    applied(ledger, repeated.id, doubted_at=None)
    assert repeated.id in ledger.find_due_sends(MERCHANT, 10)


@pytest.mark.parametrize(
    ("send_before", "after", "found"),
    [
        (None, A_DAY - A_MINUTE, False),
        (None, A_DAY, True),
        (NOON + A_MINUTE, A_MINUTE / 2, False),
        (NOON + A_MINUTE, A_MINUTE, True),
        (NOON + 3 * A_DAY, 2 * A_DAY, False),
    ],
)
def test_what_is_still_unsent(
    ledger: Ledger, clock: VirtualClock, send_before: object, after: timedelta, found: bool
) -> None:
    """
    Queued payouts are found once their own time, or else a day, has passed.
    """
    payout = accepted(ledger, send_before=send_before)
    clock.now = NOON + after

    assert ledger.find_stale(10, A_DAY) == ([payout.id] if found else [])


def test_what_was_claimed_is_not_unsent(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Only what is queued can be stale.
    """
    claimed(ledger, accepted(ledger))
    clock.advance(days=2)

    assert ledger.find_stale(10, A_DAY) == []


def test_what_is_overdue_is_told_once(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Two hours after it was first sent, and not again at each sweep.
    """
    payout_id = ended(ledger, "P-1", PayoutStatus.PROCESSING)
    ended(ledger, "P-2", PayoutStatus.PAID)
    two_hours = timedelta(hours=2)

    assert ledger.mark_overdue(10, two_hours) == []
    now = clock.advance(hours=2)
    assert ledger.mark_overdue(10, two_hours) == [Overdue(payout_id, "P-1")]
    assert ledger.mark_overdue(10, two_hours) == []
    assert ledger.dossier(payout_id).payout.overdue_at == now


def test_the_tally_counts_what_sending_ended_in(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Connections that were never made count as nothing, and old ends are forgotten.
    """
    ended(ledger, "P-1", PayoutStatus.UNKNOWN)
    clock.advance(minutes=6)
    ended(ledger, "P-2", PayoutStatus.UNKNOWN)
    ended(ledger, "P-3", PayoutStatus.PAID)
    ended(ledger, "P-4", PayoutStatus.QUEUED)

    assert ledger.tally(MERCHANT, timedelta(minutes=5)) == Tally(2, 1)
    assert ledger.tally("another", timedelta(minutes=5)) == Tally(0, 0)


def test_the_breaker_stops_sending_for_its_rest(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Nothing is claimed or woken meanwhile; afterwards the tally begins anew.
    """
    ended(ledger, "P-1", PayoutStatus.UNKNOWN)
    payout = accepted(ledger, "P-2")
    ledger.open_breaker(MERCHANT, A_MINUTE)

    assert try_claim(ledger, payout) is None
    assert ledger.find_due_sends(MERCHANT, 10) == []
    clock.advance(minutes=1)
    assert ledger.tally(MERCHANT, timedelta(minutes=5)) == Tally(0, 0)
    assert try_claim(ledger, payout) is not None


def test_an_open_breaker_stops_the_next_connect(ledger: Ledger, clock: VirtualClock) -> None:
    """
    A worker that has its lease already does not connect any more.
    """
    attempt = claimed(ledger, accepted(ledger))
    ledger.open_breaker(MERCHANT, A_MINUTE)

    assert not ledger.renew(attempt, LEASE)


def test_after_a_restore_nothing_is_sent_in_doubt(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Every unfinished payout is to be asked about, and each of them holds up the whole merchant.
    """
    queued, unknown = accepted(ledger), ended(ledger, "P-2", PayoutStatus.UNKNOWN)
    paid = ended(ledger, "P-3", PayoutStatus.PAID)
    now = clock.advance(hours=1)

    assert ledger.begin_epoch("alice", "restored from last night", timedelta(days=7)) == 2

    row = ledger.dossier(queued.id).payout
    assert (row.doubted_at, row.next_query_at, row.version) == (now, now, queued.version + 1)
    assert ledger.dossier(paid).payout.doubted_at is None
    assert try_claim(ledger, row) is None
    assert sorted(due_queries(ledger, 10)) == [queued.id, unknown]

    applied(ledger, unknown, doubted_at=None)
    assert try_claim(ledger, row) is None  # its own doubt stands
    certain = applied(ledger, queued.id, doubted_at=None)
    assert try_claim(ledger, certain) is not None


def test_an_epoch_knows_all_that_were_before_it(ledger: Ledger) -> None:
    """
    Only the newest is asked, and only by its own name; before the first there was none.
    """
    first = ledger.sweep_count().uid
    assert [*ledger.epochs_before(first)] == []
    ledger.begin_epoch("cli:mei", "restored", timedelta(0))
    second = ledger.sweep_count().uid
    assert {*ledger.epochs_before(second)} == {first}
    ledger.begin_epoch("cli:mei", "restored", timedelta(0))
    assert {*ledger.epochs_before(ledger.sweep_count().uid)} == {first, second}
    assert [*ledger.epochs_before(second)] == [*ledger.epochs_before(first)] == []


def test_one_in_doubt_is_set_aside_and_holds_up_itself_alone(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    JD does not answer for it: the others go on, it is not sent, and the next restore counts it.
    """
    silent, other = accepted(ledger, "P-1"), accepted(ledger, "P-2")
    clock.advance(minutes=1)
    ledger.begin_epoch("cli:mei", "restored", timedelta(0))
    ledger.judge(other.id, a_judge(doubted_at=None))
    assert ledger.find_due_sends(MERCHANT, 9) == []
    dossier = ledger.dossier(silent.id)

    ledger.carry_out(dossier, decide(Action.SET_ASIDE, dossier, "cli:mei", "JD is silent"))

    assert ledger.find_due_sends(MERCHANT, 9) == [other.id]
    assert ledger.health(MERCHANT).in_doubt == 0
    after = ledger.dossier(silent.id)
    assert after.payout.doubted_at is not None
    with pytest.raises(NotAllowed, match="holds up no other"):
        decide(Action.SET_ASIDE, after, "cli:mei", "again")
    clock.advance(minutes=1)
    ledger.begin_epoch("cli:mei", "restored again", timedelta(0))
    assert ledger.find_due_sends(MERCHANT, 9) == []
    assert ledger.health(MERCHANT).in_doubt == 2

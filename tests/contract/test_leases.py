"""
Claims, leases and attempts: at most one transmission at a time, and only by its owner.
"""

import dataclasses
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

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
    record,
    try_claim,
)
from tests.factories import a_claimant
from worker.payouts.claim import Draft
from worker.payouts.errors import BrokenSeal, IllegalMove, StaleTransition
from worker.payouts.evidence import Source
from worker.payouts.model import AttemptOutcome, Payout
from worker.payouts.policy.actions import Action, decide
from worker.payouts.status import PayoutStatus, Reason
from worker.store.ledger import SqlLedger
from worker.store.tables import payouts


def test_a_claim_is_written_before_anything_is_sent(ledger: SqlLedger) -> None:
    """
    A claim stores the attempt, the lease, the exposure and the move in one commit.
    """
    payout = accepted(ledger)

    attempt = claimed(ledger, payout)

    dossier = ledger.dossier(payout.id)
    assert dossier.attempts == (attempt,)
    assert (attempt.number, attempt.started_at, attempt.outcome) == (1, NOON, None)
    assert dossier.payout == dataclasses.replace(
        payout,
        status=PayoutStatus.SENDING,
        reason=Reason.CLAIMED,
        version=2,
        exposed=True,
        lease_token=attempt.lease_token,
        lease_until=NOON + LEASE,
        first_sent_at=NOON,
        last_sent_at=NOON,
        next_send_at=None,
    )
    assert ledger.history(payout.id)[-1].actor == "worker-1"


def evidence_is_stored(ledger: SqlLedger, payout: Payout, _engine: sa.Engine) -> None:
    """
    JD's word arrives, and waits to be judged.
    """
    record(ledger, payout, Source.QUERY, a_verified_answer())


def row_is_moved(_ledger: SqlLedger, payout: Payout, engine: sa.Engine) -> None:
    """
    Somebody else's program puts the row elsewhere, and leaves its version as it was.
    """
    moved = sa.update(payouts).where(payouts.c.id == payout.id)
    with engine.begin() as conn:
        conn.execute(moved.values(status=PayoutStatus.UNKNOWN))


@pytest.mark.parametrize("change", [evidence_is_stored, row_is_moved])
def test_who_changes_a_row_amid_its_claim_waits(
    ledger: SqlLedger, engine: sa.Engine, change: Callable[..., None]
) -> None:
    """
    A claim decides and writes with the row held: what came meanwhile is there afterwards, whole.
    """
    payout = accepted(ledger)
    other = threading.Thread(target=change, args=(ledger, payout, engine))
    seen: list[bool] = []

    def decide(_draft: Draft) -> str:
        other.start()
        other.join(1)
        seen.append(other.is_alive())
        return "canonical"

    claimant = dataclasses.replace(a_claimant(), decide=decide)
    (claim,) = ledger.claim([payout.id], claimant).claims
    other.join()

    assert seen == [True]
    after = ledger.dossier(payout.id)
    assert after.attempts == (claim.attempt,)
    assert after.payout.lease_token == claim.attempt.lease_token
    assert (after.payout.status is PayoutStatus.UNKNOWN) is (change is row_is_moved)
    assert len(after.evidence) == int(change is evidence_is_stored)


def test_a_row_that_was_moved_before_its_claim_is_seen_as_it_is(
    ledger: SqlLedger, engine: sa.Engine
) -> None:
    """
    Somebody else's program puts the row elsewhere after it was found: the claim reads it anew.
    """
    payout = accepted(ledger)
    row_is_moved(ledger, payout, engine)

    with pytest.raises(BrokenSeal):
        ledger.claim([payout.id], a_claimant())


def test_a_decision_about_a_row_that_was_moved_is_refused(
    ledger: SqlLedger, engine: sa.Engine
) -> None:
    """
    Its version is as it was read, its status is not: nothing is written over it.
    """
    dossier = ledger.dossier(accepted(ledger).id)
    decision = decide(Action.CANCEL, dossier, "cli:mei", "asked to")
    row_is_moved(ledger, dossier.payout, engine)

    with pytest.raises(StaleTransition):
        ledger.carry_out(dossier, decision)

    assert ledger.dossier(dossier.payout.id).payout.status is PayoutStatus.UNKNOWN
    assert ledger.decisions(dossier.payout.id) == []


def test_a_claimed_payout_cannot_be_claimed_again(ledger: SqlLedger) -> None:
    """
    Of two workers that saw the same row, the second gets nothing.
    """
    payout = accepted(ledger)
    claimed(ledger, payout)

    assert try_claim(ledger, payout, "worker-2") is None


def test_an_open_attempt_stops_a_claim(ledger: SqlLedger) -> None:
    """
    A payout that evidence made unknown is not sent again while its attempt still runs.
    """
    payout = accepted(ledger)
    claimed(ledger, payout)
    unknown = applied(ledger, payout.id, status=PayoutStatus.UNKNOWN)

    assert try_claim(ledger, unknown, "worker-2") is None
    assert len(ledger.dossier(payout.id).attempts) == 1


def test_a_paused_channel_stops_claims_and_nothing_else(ledger: SqlLedger) -> None:
    """
    A pause changes no row; once resumed, the same claim succeeds.
    """
    payout = accepted(ledger)
    ledger.pause(MERCHANT, "balance", "operator")

    assert try_claim(ledger, payout) is None
    assert ledger.dossier(payout.id).payout == payout

    ledger.resume(MERCHANT, "topped up", "operator")
    assert try_claim(ledger, payout) is not None


def test_another_merchant_is_not_paused(ledger: SqlLedger) -> None:
    """
    A pause holds for one merchant alone.
    """
    payout = accepted(ledger)
    ledger.pause("another", "balance", "operator")

    assert claimed(ledger, payout).number == 1


def test_a_payout_that_jd_has_cannot_be_sent(ledger: SqlLedger) -> None:
    """
    Claiming from a status that does not lead to sending is a fault of ours, and refused.
    """
    payout = accepted(ledger)
    processing = applied(ledger, payout.id, status=PayoutStatus.PROCESSING, next_send_at=None)

    with pytest.raises(IllegalMove):
        try_claim(ledger, processing)


def test_a_resend_repeats_the_first_request(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    A claim from unknown counts a resend, and keeps the request and the first sending time.
    """
    payout = accepted(ledger)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.NO_ANSWER, "read timeout")
    unknown = applied(ledger, payout.id, status=PayoutStatus.UNKNOWN)
    later = clock.advance(minutes=20)

    attempt = try_claim(ledger, unknown, "worker-2", "something else")

    assert attempt is not None
    assert attempt.number == 2
    again = ledger.dossier(payout.id).payout
    assert (again.resends, again.reason) == (1, Reason.RESENT)
    assert (again.first_sent_at, again.last_sent_at) == (NOON, later)
    assert ledger.request(payout.id) == "canonical"


def test_a_claim_after_a_refusal_is_no_resend(ledger: SqlLedger) -> None:
    """
    A refused payout was never booked: sending it again is a plain claim.
    """
    payout = accepted(ledger)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.ANSWERED, "")
    refused = applied(ledger, payout.id, status=PayoutStatus.REFUSED, exposed=False)

    claimed(ledger, refused)

    again = ledger.dossier(payout.id).payout
    assert (again.resends, again.reason, again.exposed) == (0, Reason.CLAIMED, True)


def test_a_lease_is_renewed_by_its_owner(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Renewing stretches the lease from now, without a new version.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    now = clock.advance(minutes=2)

    assert ledger.renew(attempt, LEASE)
    renewed = ledger.dossier(payout.id).payout
    assert (renewed.lease_until, renewed.version) == (now + LEASE, 2)


def test_an_expired_lease_cannot_be_renewed(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    A lease ends at its very moment, whether or not a sweep has noticed.
    """
    attempt = claimed(ledger, accepted(ledger))
    clock.advance(minutes=3)

    assert not ledger.renew(attempt, LEASE)


def test_a_paused_channel_stops_a_renewal(ledger: SqlLedger) -> None:
    """
    A worker that holds a lease may not connect once its channel is paused.
    """
    attempt = claimed(ledger, accepted(ledger))
    ledger.pause(MERCHANT, "certificate", "operator")

    assert not ledger.renew(attempt, LEASE)


def test_settled_evidence_stops_a_renewal(ledger: SqlLedger) -> None:
    """
    A payout that left `sending` is not sent, even by the owner of its lease.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    applied(ledger, payout.id, status=PayoutStatus.PAID)

    assert not ledger.renew(attempt, LEASE)


def test_another_attempts_token_renews_nothing(ledger: SqlLedger) -> None:
    """
    A lease belongs to the token that it was given with.
    """
    attempt = claimed(ledger, accepted(ledger))

    assert not ledger.renew(dataclasses.replace(attempt, lease_token="stolen"), LEASE)


def test_closing_an_attempt_ends_its_lease(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    The attempt says how it ended, and decisions made without knowing that are stale.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    now = clock.advance(seconds=5)

    close_attempt(ledger, attempt, AttemptOutcome.NOT_CONNECTED, "refused")

    dossier = ledger.dossier(payout.id)
    assert dossier.attempts == (
        dataclasses.replace(
            attempt, closed_at=now, outcome=AttemptOutcome.NOT_CONNECTED, detail="refused"
        ),
    )
    after = dossier.payout
    assert (after.lease_token, after.lease_until, after.lease_ended_at) == (None, None, now)
    assert (after.status, after.version) == (PayoutStatus.SENDING, 3)


def test_an_attempt_is_closed_once(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Whoever closes an attempt second changes nothing.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, "")
    closed = ledger.dossier(payout.id)
    clock.advance(seconds=5)

    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "late")

    assert ledger.dossier(payout.id) == closed


def test_an_old_attempt_cannot_end_a_new_lease(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    A worker that comes back from the dead does not touch its successor's lease.
    """
    payout = accepted(ledger)
    old = claimed(ledger, payout)
    clock.advance(minutes=4)
    ledger.expire_leases(10)
    unknown = applied(ledger, payout.id, status=PayoutStatus.UNKNOWN)
    new = claimed(ledger, unknown)

    close_attempt(ledger, old, AttemptOutcome.NO_ANSWER, "late")

    dossier = ledger.dossier(payout.id)
    assert dossier.attempts[0].outcome is AttemptOutcome.LOST
    assert dossier.attempts[1] == new
    assert dossier.payout.lease_token == new.lease_token

"""
A claim that a restored ledger lacks is put back from a journal.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from tests.contract import stories
from tests.contract.samples import (
    LEASE,
    MERCHANT,
    NOON,
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    applied,
    claimed,
    close_attempt,
    try_claim,
)
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.invariants import Breach, of_payout
from worker.payouts.journal import JournaledClaim, Recalled
from worker.payouts.limits import Limits
from worker.payouts.model import Attempt, AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.actions import Action, decide
from worker.payouts.sealed_job import KeptSeal
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.ports import Ledger

BEFORE = NOON - timedelta(hours=1)


class Reading(Ledger, Protocol):
    """
    A ledger, and what the commands read of it.
    """

    def request(self, payout_id: int) -> str | None:
        """
        The request of a payout as it was sent.
        """


def a_claim(
    number: str = "P-1", token: str = "lost", at: datetime = BEFORE, **order: object
) -> JournaledClaim:
    """
    A claim as a journal has it.
    """
    attempt = Attempt(77, 66, 1, token, at)
    return JournaledClaim("epoch", attempt, an_order(number, **order), TERMS, "the same request")


def test_a_payout_is_made_anew_with_its_producers_seal(ledger: Reading) -> None:
    """
    By it the row can be compared, should it have to be sent once more.
    """
    seal = KeptSeal("shop.1", "what the shop sealed")

    ledger.recall(replace(a_claim(), seal=seal), LEASE)

    row = ledger.find(MERCHANT, "P-1")
    assert row is not None
    assert row.job_key == "shop.1"


def test_a_payout_that_is_lacking_is_made_anew(ledger: Reading, clock: VirtualClock) -> None:
    """
    It may be with JD: exposed, unknown, asked about now, with a case, and its debt is taken.
    """
    assert ledger.recall(a_claim(), LEASE) is Recalled.PAYOUT

    row = ledger.find(MERCHANT, "P-1")
    assert row is not None
    assert (row.status, row.reason, row.exposed) == (
        PayoutStatus.UNKNOWN,
        Reason.LEASE_EXPIRED,
        True,
    )
    assert (row.first_sent_at, row.last_sent_at) == (BEFORE, BEFORE)
    assert (row.next_send_at, row.next_query_at) == (None, clock.now)
    assert row.lease_ended_at == clock.now + LEASE
    dossier = ledger.dossier(row.id)
    (attempt,) = dossier.attempts
    assert (attempt.outcome, attempt.lease_token) == (AttemptOutcome.LOST, "lost")
    assert [case.kind for case in dossier.open_cases] == [CaseKind.FORGOTTEN]
    assert ledger.order(row.id) == an_order("P-1")
    assert ledger.request(row.id) == "the same request"
    assert [move.to_status for move in ledger.history(row.id)] == [
        PayoutStatus.QUEUED,
        PayoutStatus.UNKNOWN,
    ]
    assert ledger.find_due_sends(MERCHANT, 10) == []


def test_a_debt_that_is_recalled_is_taken(ledger: Ledger) -> None:
    """
    Nothing else pays it, under whatever number.
    """
    ledger.recall(a_claim(obligation="rent"), LEASE)

    assert accept(ledger, an_order("P-2", obligation="rent")) is None


def test_a_debt_that_is_taken_already_counts_both(ledger: Ledger) -> None:
    """
    Another payout was accepted for it meanwhile: the recalled one holds nothing, and may be kept.
    """
    later = accepted(ledger, "P-2", obligation="rent")
    assert ledger.recall(a_claim(obligation="rent"), LEASE) is Recalled.PAYOUT

    row = ledger.find(MERCHANT, "P-1")
    assert row is not None
    assert row.released_at is not None
    obligation = ledger.obligation("rent")
    assert obligation is not None
    assert obligation.committed_fen == later.amount_fen
    assert try_claim(ledger, later) is None


@pytest.mark.parametrize("status", [PayoutStatus.QUEUED, PayoutStatus.CANCELLED])
def test_a_claim_that_is_lacking_exposes_its_payout(ledger: Ledger, status: PayoutStatus) -> None:
    """
    Whatever people made of it since.
    """
    payout = accepted(ledger)
    if status is PayoutStatus.CANCELLED:
        dossier = ledger.dossier(payout.id)
        ledger.carry_out(dossier, decide(Action.CANCEL, dossier, "mei", "not wanted"))
    assert ledger.recall(a_claim(), LEASE) is Recalled.ATTEMPT

    row = ledger.dossier(payout.id).payout
    assert (row.status, row.exposed, row.finalized_at) == (PayoutStatus.UNKNOWN, True, None)
    assert ledger.find_due_sends(MERCHANT, 10) == []


def refused_by_the_payee(ledger: Ledger) -> Dossier:
    """
    A payout whose only known attempt JD refused, for the payee's card.
    """
    refusal = Answer(verified=True, meaning=Meaning.PAYEE, code="ILLEGAL_BANK_CARD_NO", raw=b"no")
    return stories.replied(ledger, accepted(ledger), refusal)


def failed_by_hand(ledger: Ledger) -> Dossier:
    """
    A payout that JD refused for a fault of ours, and a person gave up.
    """
    dossier = stories.refused(ledger)
    ledger.carry_out(dossier, decide(Action.FAIL, dossier, "cli:mei", "not wanted"))
    return ledger.dossier(dossier.payout.id)


@pytest.mark.parametrize("fail", [refused_by_the_payee, failed_by_hand])
def test_a_refusal_does_not_speak_for_a_claim_that_was_forgotten(
    ledger: Ledger, clock: VirtualClock, fail: Callable[[Ledger], Dossier]
) -> None:
    """
    It failed by its only attempt; then another one turns up: what became of that is not known.
    """
    payout_id = fail(ledger).payout.id
    assert ledger.dossier(payout_id).payout.status is PayoutStatus.FAILED
    assert ledger.recall(a_claim(), LEASE) is Recalled.ATTEMPT

    row = ledger.dossier(payout_id).payout
    assert (row.status, row.exposed, row.finalized_at) == (PayoutStatus.UNKNOWN, True, None)
    assert row.next_query_at == clock.now
    assert found_wrong(ledger, clock) == []
    paid = a_verified_answer(trade_status=TradeStatus.FINI)
    assert stories.asked(ledger, clock, row, paid).payout.status is PayoutStatus.PAID


def test_a_close_speaks_for_every_claim(ledger: Ledger, clock: VirtualClock) -> None:
    """
    JD closed the number: that stands, whichever attempt brought it there.
    """
    clos = a_verified_answer(trade_status=TradeStatus.CLOS)
    payout = stories.replied(ledger, accepted(ledger), clos).payout
    assert ledger.recall(a_claim(), LEASE) is Recalled.ATTEMPT

    assert ledger.dossier(payout.id).payout.status is PayoutStatus.FAILED
    assert found_wrong(ledger, clock) == []


def found_wrong(ledger: Ledger, clock: VirtualClock) -> list[Breach]:
    """
    Every breach of the invariants by the one payout that there is.
    """
    (row,) = ledger.payouts(None, 10)
    dossier, cases = ledger.dossier(row.id), ledger.cases(open_only=False, limit=10)
    return [*of_payout(dossier, ledger.history(row.id), cases, clock.now, Limits())]


def test_what_more_is_known_stays(ledger: Ledger, clock: VirtualClock) -> None:
    """
    A payout that JD has paid is paid; the earlier attempt stands beside the later one.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, "")
    applied(ledger, payout.id, status=PayoutStatus.PAID, exposed=True, finalized_at=clock.now)
    assert ledger.recall(a_claim(), LEASE) is Recalled.ATTEMPT

    dossier = ledger.dossier(payout.id)
    assert (dossier.payout.status, dossier.payout.finalized_at) == (PayoutStatus.PAID, clock.now)
    assert dossier.payout.first_sent_at == BEFORE
    assert [attempt.number for attempt in dossier.attempts] == [1, 2]


def test_what_is_known_is_left_alone(ledger: Ledger) -> None:
    """
    A journal holds all claims, and most are there; a second reading changes nothing.
    """
    attempt = claimed(ledger, accepted(ledger))
    known = a_claim(token=attempt.lease_token)
    forgotten = a_claim("P-2")
    before = ledger.dossier(attempt.payout_id)

    assert ledger.find_forgotten([known, forgotten]) == [forgotten]
    assert ledger.recall(known, LEASE) is Recalled.KNOWN
    assert ledger.dossier(attempt.payout_id) == before
    ledger.recall(forgotten, LEASE)
    assert ledger.find_forgotten([known, forgotten]) == []
    assert ledger.recall(forgotten, LEASE) is Recalled.KNOWN


def test_what_is_being_sent_is_recalled_later(ledger: Ledger) -> None:
    """
    Its worker closes its attempt first.
    """
    attempt = claimed(ledger, accepted(ledger))
    assert ledger.recall(a_claim(), LEASE) is Recalled.BEING_SENT
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "timeout")

    assert ledger.recall(a_claim(), LEASE) is Recalled.ATTEMPT


def test_two_claims_of_one_payout_are_two_attempts(ledger: Reading) -> None:
    """
    It was resent, and the backup is older than both.
    """
    for place, token in enumerate(("first", "second")):
        claim = a_claim(token=token, at=BEFORE + timedelta(minutes=place))
        ledger.recall(replace(claim, request=f"request {place}"), LEASE)

    row = ledger.find(MERCHANT, "P-1")
    assert row is not None
    assert (row.first_sent_at, row.last_sent_at) == (BEFORE, BEFORE + timedelta(minutes=1))
    assert len(ledger.dossier(row.id).attempts) == 2
    assert ledger.request(row.id) == "request 0"

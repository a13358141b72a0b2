"""
What holds a payout back before it is sent, and what becomes of it then.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.factories import (
    NOON,
    PAYEE,
    a_dossier,
    a_notification,
    a_payout,
    a_trade,
    an_attempt,
    an_order,
    numbered,
)
from worker.payouts.evidence import TradeStatus
from worker.payouts.hold import Hold
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import ReviewList, is_stale, needs_review, send_deadline
from worker.payouts.policy.effects import take
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.may_send import may_send
from worker.payouts.policy.state import derive_update
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import hold_back

LIMITS = Limits()
A_DAY = timedelta(days=1)
AN_HOUR = timedelta(hours=1)
A_SECOND = timedelta(seconds=1)
QUEUED = a_payout(PayoutStatus.QUEUED, accepted_at=NOON)
IN_REVIEW = a_payout(PayoutStatus.HELD, reason=Reason.REVIEW, accepted_at=NOON)


@pytest.mark.parametrize(
    ("send_before", "let_go_at", "expected"),
    [
        (None, None, NOON + A_DAY),
        (NOON + AN_HOUR, None, NOON + AN_HOUR),
        (NOON + 30 * A_DAY, None, NOON + 30 * A_DAY),
        (None, NOON + 3 * A_DAY, NOON + 4 * A_DAY),  # its time begins anew
        (NOON + AN_HOUR, NOON + 3 * A_DAY, NOON + 4 * A_DAY),
    ],
)
def test_the_deadline(
    send_before: datetime | None, let_go_at: datetime | None, expected: datetime
) -> None:
    """
    A day after acceptance, or the job's own time; a day more once a person lets it go.
    """
    payout = replace(QUEUED, send_before=send_before, let_go_at=let_go_at)

    assert send_deadline(payout, LIMITS.send_within) == expected
    assert not is_stale(payout, expected - A_SECOND, LIMITS)
    assert is_stale(payout, expected, LIMITS)


def test_a_stale_payout_is_held_for_a_person() -> None:
    """
    It is not sent any more, and a case says so.
    """
    dossier = a_dossier(replace(QUEUED, next_send_at=NOON), attempts=())

    update = derive_update(dossier, NOON + A_DAY, LIMITS)

    assert (update.status, update.reason) == (PayoutStatus.HELD, Reason.STALE)
    assert update.next_send_at is None
    assert [case.kind for case in update.cases] == [CaseKind.STALE]


def test_a_payout_in_time_is_not_held() -> None:
    """
    A second before its deadline a payout may still be sent.
    """
    dossier = a_dossier(QUEUED, attempts=())
    moment = NOON + A_DAY - A_SECOND

    assert derive_update(dossier, moment, LIMITS).status is PayoutStatus.QUEUED
    assert may_send(gather_facts(dossier), moment, LIMITS)
    assert not may_send(gather_facts(dossier), NOON + A_DAY, LIMITS)


def test_a_connection_that_was_never_made_does_not_stop_the_clock() -> None:
    """
    Tried and not connected is unsent: it becomes stale all the same.
    """
    tried = an_attempt(outcome=AttemptOutcome.NOT_CONNECTED)
    dossier = a_dossier(QUEUED, attempts=(tried,))

    assert derive_update(dossier, NOON + A_DAY, LIMITS).status is PayoutStatus.HELD


@pytest.mark.parametrize("status", [PayoutStatus.UNKNOWN, PayoutStatus.REFUSED])
def test_what_was_sent_is_never_stale(status: PayoutStatus) -> None:
    """
    The deadline is for the first transmission; what JD may have stays where it is.
    """
    payout = a_payout(status, accepted_at=NOON)

    assert derive_update(a_dossier(payout), NOON + 2 * A_DAY, LIMITS).status is status


def test_evidence_moves_a_stale_payout() -> None:
    """
    What JD says about a payout counts, held or not.
    """
    held = replace(QUEUED, status=PayoutStatus.HELD)
    told = a_notification(a_trade(TradeStatus.FINI), 1)

    update = derive_update(a_dossier(held, told, attempts=()), NOON + 2 * A_DAY, LIMITS)

    assert update.status is PayoutStatus.PAID


@pytest.mark.parametrize(
    ("listed", "needs"),
    [
        ((), False),
        (("6222021234567897312",), True),
        (("1", "6222021234567897312", "2"), True),
        (("622202123456789731", "62220212345678973120"), False),  # a part, and more than it
        (("6222 0212 3456 7897 312",), False),  # a job's number has no spaces
    ],
)
def test_the_whole_account_number_is_what_counts(listed: tuple[str, ...], needs: bool) -> None:
    """
    A payee is on the review list by the exact number of the account.
    """
    order = an_order(payee=replace(PAYEE, account_no="6222021234567897312"))

    assert needs_review(order, ReviewList(frozenset(listed))) is needs


def test_what_is_held_for_review_is_not_due() -> None:
    """
    Its row says held, and why; nothing says when to send it.
    """
    held = hold_back(replace(QUEUED, next_send_at=NOON), Hold.REVIEW, NOON + A_SECOND)

    assert (held.status, held.reason) == (PayoutStatus.HELD, Reason.REVIEW)
    assert (held.next_send_at, held.version) == (None, QUEUED.version + 1)
    assert held.updated_at == NOON + A_SECOND


@pytest.mark.parametrize("later", [A_SECOND, A_DAY, 30 * A_DAY])
@pytest.mark.parametrize("send_before", [None, NOON + AN_HOUR])
def test_what_is_held_for_review_stays_so(later: timedelta, send_before: datetime | None) -> None:
    """
    However late it is, it is held for the same reason, with the one case that says so.
    """
    dossier = a_dossier(replace(IN_REVIEW, send_before=send_before), attempts=())

    update = derive_update(dossier, NOON + later, LIMITS)

    assert (update.status, update.reason) == (PayoutStatus.HELD, Reason.REVIEW)
    assert (update.next_send_at, update.next_query_at) == (None, None)
    assert [case.kind for case in update.cases] == [CaseKind.REVIEW]
    assert not may_send(gather_facts(dossier), NOON + later, LIMITS)


def test_letting_go_gives_a_reviewed_payout_a_new_time() -> None:
    """
    Looked at days after it should have gone out, it has a day from then, and is stale after that.
    """
    seen_at = NOON + 3 * A_DAY
    queued = take(Action.LET_GO, replace(IN_REVIEW, send_before=NOON + AN_HOUR), seen_at)
    dossier = a_dossier(queued, attempts=())

    in_time = derive_update(dossier, seen_at + A_DAY - A_SECOND, LIMITS)
    late = derive_update(dossier, seen_at + A_DAY, LIMITS)

    assert may_send(gather_facts(dossier), seen_at, LIMITS)
    assert (in_time.status, in_time.cases) == (PayoutStatus.QUEUED, ())
    assert (late.status, late.reason) == (PayoutStatus.HELD, Reason.STALE)
    assert [case.kind for case in late.cases] == [CaseKind.STALE]


def test_evidence_moves_what_is_held_for_review() -> None:
    """
    JD has it after all: that is told, and looks strange enough for a case of its own.
    """
    told = numbered((a_notification(a_trade(TradeStatus.FINI), 1),))

    update = derive_update(a_dossier(IN_REVIEW, *told, attempts=()), NOON + A_DAY, LIMITS)

    assert update.status is PayoutStatus.PAID
    assert [case.kind for case in update.cases] == [CaseKind.UNEXPECTED]

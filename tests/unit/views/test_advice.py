"""
What happens next, and whether the advice agrees with what was decided.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import AMOUNT, MERCHANT, NOON, a_case, a_dossier, a_payout, at
from worker.payouts.channel import Channel
from worker.payouts.model import CaseKind, Dossier
from worker.payouts.status import PayoutStatus
from worker.views.advice import Sending, next_step, sending

OPEN = Sending(Channel(MERCHANT), NOON)
OTHER = a_payout(PayoutStatus.QUEUED, id=2, out_trade_no="P-2")


def a_known(status: PayoutStatus, **changes: Any) -> Dossier:
    """
    A payout of that status with nothing else known.
    """
    return a_dossier(a_payout(status, **changes), attempts=())


@pytest.mark.parametrize("status", PayoutStatus)
def test_every_status_says_what_happens_next(status: PayoutStatus) -> None:
    """
    A new status cannot be forgotten.
    """
    assert next_step(a_known(status), OPEN)


@pytest.mark.parametrize(
    "status", [PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED]
)
def test_a_release_is_advised_until_it_is_done(status: PayoutStatus) -> None:
    """
    Once the obligation is free, that is said instead.
    """
    before = next_step(a_known(status), OPEN)
    after = next_step(a_known(status, released_at=NOON), OPEN)

    assert "`payouts release` frees its obligation" in before
    assert after == "Nothing: its obligation is free, so another payout may pay it."


@pytest.mark.parametrize(
    "status", [PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED]
)
def test_the_payout_that_pays_instead_is_named(status: PayoutStatus) -> None:
    """
    By number and id; there is nothing more to free.
    """
    told = next_step(a_known(status, released_at=NOON), OPEN, [OTHER])

    assert told == "Nothing: payout P-2 (id 2) pays instead."


def test_what_came_back_in_part_is_paid_anew_once() -> None:
    """
    First the command is named, then the payout that pays the part.
    """
    part = {"returned_fen": 45}
    free = a_known(PayoutStatus.PAID, **part, released_at=NOON)

    assert "`payouts replace` pays" in next_step(a_known(PayoutStatus.PAID, **part), OPEN)
    assert next_step(free, OPEN, [OTHER]) == "What came back is paid by payout P-2 (id 2)."
    assert next_step(free, OPEN) == "What came back may be paid anew."


def test_one_that_was_freed_and_paid_after_all_is_no_quiet_end() -> None:
    """
    Two payouts may have paid one obligation: that is said first.
    """
    told = next_step(a_known(PayoutStatus.PAID, released_at=NOON), OPEN, [OTHER])

    assert told == (
        "It is paid although its obligation was freed, and payout P-2 (id 2) pays it too:"
        " look at both."
    )


def test_a_refused_payout_is_not_told_twice_to_be_sent_again() -> None:
    """
    After `resend` it is due, and the advice to resend it is gone.
    """
    before = next_step(a_known(PayoutStatus.REFUSED), OPEN)
    after = next_step(a_known(PayoutStatus.REFUSED, next_send_at=NOON), OPEN)

    assert "`payouts resend`" in before
    assert after == (
        "A person had it sent again, under the same number."
        " It is due to be sent at 2026-03-02 12:00:00Z."
    )


def test_a_case_is_named_while_it_is_open() -> None:
    """
    After `resolve` nothing of it remains in the advice.
    """
    payout = a_payout(PayoutStatus.UNKNOWN)
    looked_at = a_dossier(payout, cases=(a_case(CaseKind.NOT_FOUND, id=7),))

    assert "`payouts cases show 7`" in next_step(looked_at, OPEN)
    assert "cases" not in next_step(a_dossier(payout), OPEN)


def test_what_is_due_says_what_stops_it() -> None:
    """
    A pause, a rest and a doubt, each with its remedy; what is not due is not bothered with them.
    """
    channel = Channel(MERCHANT, paused_at=NOON, paused_why="drill", broken_until=at(1))
    found = Sending(channel, NOON, in_doubt=1)
    due = next_step(a_known(PayoutStatus.QUEUED, next_send_at=NOON), found)

    assert "Sending is paused (drill): fix the cause, then `payouts resume`." in due
    assert "Sending rests until 2026-03-02 12:01:00Z" in due
    assert "until JD has answered for 1 payout; they" in due
    assert "paused" not in next_step(a_known(PayoutStatus.PAID, returned_fen=AMOUNT), found)


def test_a_rest_that_is_over_stops_nothing() -> None:
    """
    The end of the last rest stays on record.
    """
    found = Sending(Channel(MERCHANT, broken_until=NOON - timedelta(minutes=1)), NOON)

    assert sending(found) == f"open: payouts of merchant {MERCHANT} are sent"
    assert "It is due to be sent" in next_step(
        a_known(PayoutStatus.QUEUED, next_send_at=NOON), found
    )

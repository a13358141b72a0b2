"""
When what was not paid may be paid again: told late rather than wrongly, and worked by hand.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.factories import (
    AMOUNT,
    NOON,
    NUMBER,
    a_bare,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    at,
    not_found,
)
from worker.payouts.evidence import Evidence, Meaning, TradeStatus
from worker.payouts.model import AttemptOutcome, Dossier, Obligation
from worker.payouts.own import OwnPayout
from worker.payouts.policy.repayment import Repayment, repayment
from worker.payouts.status import PayoutStatus

CLOSED, FINI = a_trade(TradeStatus.CLOS), a_trade(TradeStatus.FINI)
WHOLE = a_trade(TradeStatus.REFU, refund_fen=AMOUNT)
DAY = 24 * 60
CLOSED_TWICE = (a_query(CLOSED, 5), a_query(CLOSED, 5 + DAY))
SENT = (an_attempt(1, AttemptOutcome.ANSWERED),)
REFUSED = a_reply(a_bare(Meaning.PAYEE))
DEBT = Obligation(1, "default", NUMBER, AMOUNT, 0)


def sent(status: PayoutStatus, *evidence: Evidence, **row: object) -> Dossier:
    """
    A payout that was sent, with what JD said of it; it is asked about at minute 60.
    """
    fields: dict[str, object] = {"exposed": True, "next_query_at": at(60), "updated_at": at(7)}
    return a_dossier(a_payout(status, **fields | row), *evidence, attempts=SENT)


def freed(dossier: Dossier, *others: Dossier, debt: Obligation = DEBT) -> OwnPayout:
    """
    The same, its obligation freed.
    """
    released = replace(dossier.payout, released_at=at(2000))
    return OwnPayout(replace(dossier, payout=released), debt, others)


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_no_status_alone_makes_it_safe(status: PayoutStatus) -> None:
    """
    Whatever the status is, before the obligation is freed it is not.
    """
    assert not repayment(OwnPayout(sent(status, *CLOSED_TWICE))).is_safe


@pytest.mark.parametrize(
    ("dossier", "minute"),
    [
        # closed by a notification: a first question at 60 can be the first proof, and a day later
        (sent(PayoutStatus.FAILED, a_notification(CLOSED, 5)), 60 + DAY),
        # closed by a question at minute 5: the second is good a day after it
        (sent(PayoutStatus.FAILED, a_query(CLOSED, 5)), 5 + DAY),
        # but it is not asked then
        (sent(PayoutStatus.FAILED, a_query(CLOSED, 5), next_query_at=at(2 * DAY)), 2 * DAY),
        # proven: an operator may free it at any time since
        (sent(PayoutStatus.FAILED, *CLOSED_TWICE), 7),
        # the payee's data was refused: one question that finds nothing is missing
        (sent(PayoutStatus.FAILED, REFUSED), 60),
        (sent(PayoutStatus.FAILED, REFUSED, not_found(6)), 7),
        # sent back, by a notification alone; then confirmed by a question
        (sent(PayoutStatus.RETURNED, a_query(FINI, 1), a_notification(WHOLE, 5)), 60),
        (sent(PayoutStatus.RETURNED, a_query(WHOLE, 5)), 7),
        (a_dossier(a_payout(PayoutStatus.CANCELLED, updated_at=at(7))), 7),
    ],
)
def test_the_earliest_moment_is_told(dossier: Dossier, minute: int) -> None:
    """
    What is missing to the proof, if JD answers as hoped each time.
    """
    told = repayment(OwnPayout(dossier))

    assert told == Repayment(is_safe=False, possible_from=NOON + timedelta(minutes=minute))


@pytest.mark.parametrize(
    "dossier",
    [
        sent(PayoutStatus.UNKNOWN),
        sent(PayoutStatus.PROCESSING),
        sent(PayoutStatus.REFUSED, a_reply(a_bare(Meaning.REQUEST))),
        sent(PayoutStatus.PAID, a_query(FINI, 5)),
        # nobody asks any more
        sent(PayoutStatus.FAILED, a_notification(CLOSED, 5), next_query_at=None),
    ],
)
def test_where_nobody_knows_no_moment_is_told(dossier: Dossier) -> None:
    """
    A payout that may be paid, or is, has no such moment.
    """
    assert repayment(OwnPayout(dossier)) == Repayment(is_safe=False)


def test_a_freed_obligation_makes_it_safe() -> None:
    """
    Its proof stands, and nothing else pays the debt.
    """
    own = freed(sent(PayoutStatus.FAILED, *CLOSED_TWICE))

    assert repayment(own) == Repayment(is_safe=True)


@pytest.mark.parametrize(
    "own",
    [
        # JD told of money after all, whatever the row says yet
        freed(sent(PayoutStatus.FAILED, *CLOSED_TWICE, a_notification(FINI, 2500))),
        freed(sent(PayoutStatus.PAID, *CLOSED_TWICE, a_notification(FINI, 2500))),
        # another payout pays it instead
        freed(
            sent(PayoutStatus.FAILED, *CLOSED_TWICE),
            a_dossier(a_payout(PayoutStatus.QUEUED, id=2)),
        ),
        # the debt is larger, and what was paid after all is kept of another part of it
        freed(
            sent(PayoutStatus.FAILED, *CLOSED_TWICE, a_notification(FINI, 2500)),
            debt=replace(DEBT, owed_fen=9 * AMOUNT),
        ),
        # the database was restored, and JD has not been heard since
        freed(sent(PayoutStatus.FAILED, *CLOSED_TWICE, doubted_at=at(3000))),
        # what is known of the debt is missing
        replace(freed(sent(PayoutStatus.FAILED, *CLOSED_TWICE)), debt=None),
    ],
    ids=["spoilt", "paid", "replaced", "kept", "restored", "unknown debt"],
)
def test_a_freed_obligation_may_be_unsafe_again(own: OwnPayout) -> None:
    """
    What has happened since counts, and no moment is promised.
    """
    assert repayment(own) == Repayment(is_safe=False)


def test_a_share_of_a_debt_is_safe_where_there_is_room() -> None:
    """
    Beside another share of the same debt that is held or paid.
    """
    shares = a_dossier(a_payout(PayoutStatus.PAID, id=2, amount_fen=AMOUNT))
    failed = sent(PayoutStatus.FAILED, *CLOSED_TWICE)

    assert repayment(freed(failed, shares, debt=replace(DEBT, owed_fen=2 * AMOUNT))).is_safe
    assert not repayment(freed(failed, shares, debt=replace(DEBT, owed_fen=2 * AMOUNT - 1))).is_safe

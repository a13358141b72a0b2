"""
How much may still be paid for an obligation, worked by hand.
"""

from typing import Any

import pytest

from tests.factories import (
    AMOUNT,
    NOON,
    NUMBER,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    an_order,
    at,
)
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Evidence, TradeStatus
from worker.payouts.model import AttemptOutcome
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.obligation import Share, check, check_release, left_fen, share
from worker.payouts.policy.proof import partly_returned
from worker.payouts.status import PayoutStatus

PART = a_trade(TradeStatus.REFU, refund_fen=45)


@pytest.mark.parametrize(
    ("status", "returned_fen", "kept_fen"),
    [
        (PayoutStatus.CANCELLED, 0, 0),
        (PayoutStatus.FAILED, 0, 0),
        (PayoutStatus.RETURNED, 100, 0),
        (PayoutStatus.PAID, 0, 100),
        (PayoutStatus.PAID, 30, 70),
        # whose end is open may yet be paid whole
        (PayoutStatus.QUEUED, 0, 100),
        (PayoutStatus.UNKNOWN, 0, 100),
        (PayoutStatus.PROCESSING, 0, 100),
    ],
)
def test_what_a_payee_may_keep(status: PayoutStatus, returned_fen: int, kept_fen: int) -> None:
    """
    Nothing of what provably ended unpaid, what did not come back of what was paid, else all.
    """
    assert share(status, 100, returned_fen) == Share(100, kept_fen)


@pytest.mark.parametrize(
    ("shares", "left"),
    [
        # withdrawn: all of it is owed
        ([Share(100, 0)], 100),
        # 30 of 100 came back
        ([Share(100, 70)], 30),
        # ... and the 30 that paid them were withdrawn, or came back by 10
        ([Share(100, 70), Share(30, 0)], 30),
        ([Share(100, 70), Share(30, 20)], 10),
        # the first was paid after all
        ([Share(100, 100), Share(100, 0)], 0),
    ],
)
def test_what_is_left_to_pay(shares: list[Share], left: int) -> None:
    """
    The largest payout says what is owed; what payees keep is paid already.
    """
    assert left == left_fen(shares)


def test_an_obligation_is_freed_only_if_nothing_of_it_is_kept() -> None:
    """
    Once it is free, a job may pay all of it.
    """
    check_release([Share(100, 0), Share(30, 0)])
    with pytest.raises(NotAllowed, match="paid in part"):
        check_release([Share(100, 70), Share(30, 0)])


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"amount_fen": 1}, None),
        ({"amount_fen": AMOUNT + 1}, "amount_fen: must be at most 12345"),
        ({"out_trade_no": NUMBER}, "out_trade_no: must be new"),
        ({"obligation": "ANOTHER"}, "obligation: must be"),
        ({"send_before": NOON}, "send_before: this moment has passed"),
        ({"send_before": at(1)}, None),
    ],
)
def test_what_may_replace_a_withdrawn_payout(changes: dict[str, Any], fault: str | None) -> None:
    """
    Another number, the same obligation, at most the same amount, and time left to send it.
    """
    order = an_order("P2026030200002", **{"obligation": NUMBER} | changes)
    payout = a_payout(PayoutStatus.CANCELLED)
    shares = [share(payout.status, payout.amount_fen, 0)]

    if fault is None:
        check(payout, order, shares, NOON)
    else:
        with pytest.raises(NotAllowed, match=fault):
            check(payout, order, shares, NOON)


@pytest.mark.parametrize(
    ("evidence", "proof"),
    [
        ((a_query(PART, 5),), (1,)),
        ((a_notification(PART, 5),), (1,)),
        # the word that named this much, not the one that named less
        ((a_query(a_trade(TradeStatus.REFU, refund_fen=44), 5), a_query(PART, 6)), (2,)),
        # a duplicate answer to a resend is no word of a return
        ((a_reply(PART),), None),
        # nobody signed it
        ((a_query(a_trade(TradeStatus.REFU, refund_fen=45, verified=False), 5),), None),
        # it is about another amount
        ((a_query(a_trade(TradeStatus.REFU, refund_fen=45, amount_fen=1), 5),), None),
        ((), None),
    ],
)
def test_what_proves_that_a_part_came_back(
    evidence: tuple[Evidence, ...], proof: tuple[int, ...] | None
) -> None:
    """
    A query's or a notification's signed word of exactly what the row says came back.
    """
    payout = a_payout(PayoutStatus.PAID, returned_fen=45)
    attempts = (an_attempt(1, AttemptOutcome.ANSWERED),)

    assert proof == partly_returned(gather_facts(a_dossier(payout, *evidence, attempts=attempts)))


@pytest.mark.parametrize(
    ("status", "returned_fen"),
    [(PayoutStatus.PAID, 0), (PayoutStatus.RETURNED, AMOUNT), (PayoutStatus.UNKNOWN, 45)],
)
def test_only_a_part_is_a_part(status: PayoutStatus, returned_fen: int) -> None:
    """
    Nothing, or all of it, is another proof's business.
    """
    payout = a_payout(status, returned_fen=returned_fen)

    assert partly_returned(gather_facts(a_dossier(payout, a_query(PART, 5)))) is None

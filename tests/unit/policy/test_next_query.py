"""
When JD is asked next.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.doubles.world import written
from tests.factories import (
    NOON,
    a_bare,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_answer,
    an_attempt,
    at,
    not_found,
    numbered,
)
from worker.payouts.evidence import Answer, Evidence, Meaning, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import Dossier, Payout
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.next_query import next_query_at
from worker.payouts.policy.state import derive_update
from worker.payouts.status import PayoutStatus

LIMITS = Limits()
A_MOMENT = timedelta(milliseconds=100)
A_MINUTE = timedelta(minutes=1)
UNKNOWN = a_payout(PayoutStatus.UNKNOWN)
PROCESSING = a_payout(PayoutStatus.PROCESSING)
PAID = a_payout(PayoutStatus.PAID)
FAILED = a_payout(PayoutStatus.FAILED)
RETURNED = a_payout(PayoutStatus.RETURNED)
WPAR = a_trade(TradeStatus.WPAR)
FINI = a_trade(TradeStatus.FINI)
CLOS = a_trade(TradeStatus.CLOS)
PART = a_trade(TradeStatus.REFU, refund_fen=1)


def due(dossier: Dossier, minutes: float) -> datetime | None:
    """
    When the next query is due, decided at that minute.
    """
    payout = dossier.payout
    now = at(minutes)
    return next_query_at(gather_facts(dossier), payout.status, payout.finalized_at, now, LIMITS)


@pytest.mark.parametrize(
    ("payout", "evidence", "now", "expected"),
    [
        # --- the ladder, for what awaits JD
        (UNKNOWN, (), 0, 1),
        (UNKNOWN, (), 300, 1),  # long due: the sweep takes it now
        (a_payout(PayoutStatus.SENDING), (), 0, 1),
        (PROCESSING, (a_reply(WPAR),), 0, 1),
        (PROCESSING, (a_query(WPAR, 1),), 1, 3),
        (PROCESSING, (a_query(WPAR, 10),), 10, 120),
        (a_payout(PayoutStatus.REFUSED), (a_reply(a_bare(Meaning.CHANNEL)),), 0, 1),
        # a signed answer that says nothing leaves the question open
        (UNKNOWN, (a_query(a_bare(Meaning.UNCLEAR), 1),), 1, 1),
        # a poor answer is an answer, and the ladder goes on
        (UNKNOWN, (a_query(a_bare(Meaning.NO_RESULT), 10),), 10, 120),
        # --- not found: asked again as soon as the answer would count
        (UNKNOWN, (not_found(1),), 1, 2),
        (UNKNOWN, (not_found(2),), 2, 3),  # the ladder's own step comes first
        (UNKNOWN, (not_found(3),), 3, 10),
        (UNKNOWN, (not_found(10),), 10, 12),  # the second one counts two minutes later
        (UNKNOWN, (not_found(2), not_found(10)), 10, 120),
        # --- after success: the return watch
        (PAID, (a_query(FINI, 0),), 0, 24 * 60),
        (PAID, (a_query(FINI, 24 * 60),), 24 * 60, 2 * 24 * 60),
        (PAID, (a_query(FINI, 30 * 24 * 60),), 30 * 24 * 60, None),
        # --- learnt from a notification or a reply: one question to confirm it, at once
        (PAID, (a_notification(FINI, 0),), 5, 5),
        (PAID, (a_reply(FINI),), 5, 5),
        (FAILED, (a_notification(a_trade(TradeStatus.CLOS), 0),), 5, 5),
        (RETURNED, (a_notification(a_trade(TradeStatus.REFU), 0),), 5, 5),
        # then it is confirmed
        (PAID, (a_notification(FINI, 0), a_query(FINI, 1)), 5, 24 * 60),
        # a close is asked about once more, a day later: that is the proof of a release
        (FAILED, (a_query(CLOS, 1),), 5, 24 * 60 + 1),
        (FAILED, (a_query(CLOS, 1), a_query(CLOS, 24 * 60)), 24 * 60, 24 * 60 + 1),
        (FAILED, (a_query(CLOS, 1), a_query(CLOS, 24 * 60 + 1)), 24 * 60 + 1, None),
        (FAILED, (a_query(CLOS, 1), not_found(24 * 60 + 1)), 24 * 60 + 1, None),
        (RETURNED, (a_query(a_trade(TradeStatus.REFU), 1),), 5, None),
        # refused for the payee's data: confirmed by one query as well
        (FAILED, (a_reply(a_bare(Meaning.PAYEE)),), 5, 5),
        (FAILED, (a_reply(a_bare(Meaning.PAYEE)), not_found(1)), 5, None),
        # JD works on it after all: its end is asked for
        (FAILED, (a_reply(a_bare(Meaning.PAYEE)), a_query(WPAR, 1)), 5, 3),
        # --- an odd return is asked about at once, once
        (PAID, (a_query(FINI, 0), a_notification(PART, 5)), 6, 6),
        (PAID, (a_query(FINI, 0), a_notification(PART, 5), a_query(PART, 6)), 7, 24 * 60),
        (PAID, (a_query(FINI, 0), a_query(PART, 24 * 60)), 24 * 60, 2 * 24 * 60),
        # --- so is a signed mismatch, wherever the payout stands
        (PROCESSING, (a_query(WPAR, 1), a_notification(FINI, 2)), 2, 3),
        (PROCESSING, (a_notification(an_answer(amount_fen=1), 2),), 2, 2),
        (PROCESSING, (a_notification(an_answer(amount_fen=1), 2), a_query(WPAR, 2.5)), 3, 3),
        (a_payout(PayoutStatus.QUEUED), (a_notification(an_answer(amount_fen=1), 2),), 2, 2),
        # --- nothing is asked about what was never sent
        (a_payout(PayoutStatus.QUEUED), (), 5, None),
        (a_payout(PayoutStatus.HELD), (), 5, None),
        (a_payout(PayoutStatus.CANCELLED), (), 5, None),
    ],
)
def test_the_next_query(
    payout: Payout, evidence: tuple[Evidence, ...], now: float, expected: float | None
) -> None:
    """
    Status and evidence give the moment, in minutes after noon.
    """
    moment = None if expected is None else at(expected)

    assert moment == due(a_dossier(payout, *evidence), now)


def test_a_new_transmission_starts_the_ladder_again() -> None:
    """
    The ladder counts from each transmission.
    """
    resent = a_payout(last_sent_at=at(11), lease_ended_at=at(12))
    dossier = a_dossier(resent, not_found(3), not_found(10))

    assert at(12) == due(dossier, 12)


def test_a_question_that_is_out_keeps_the_time_of_its_repetition() -> None:
    """
    Judging other evidence meanwhile does not ask again at once.
    """
    asked = a_payout(query_misses=3, next_query_at=at(9))

    assert at(9) == due(a_dossier(asked), 5)


def test_a_step_that_lies_ahead_replaces_a_repetition() -> None:
    """
    Once it is clear when to ask, an old repetition is forgotten.
    """
    asked = a_payout(PayoutStatus.PROCESSING, query_misses=1, next_query_at=at(2))

    assert at(3) == due(a_dossier(asked, a_query(WPAR, 1.5)), 2)


def test_a_question_asked_before_the_end_does_not_confirm_it() -> None:
    """
    An answer from before the final status says nothing about it.
    """
    applied = a_payout(PayoutStatus.PAID, finalized_at=at(5))
    dossier = a_dossier(applied, a_query(WPAR, 3), a_notification(FINI, 5))

    assert at(6) == due(dossier, 6)


def test_an_unexpected_trade_climbs_the_ladder() -> None:
    """
    A payout that we never sent is asked about ever more rarely too, not every minute.
    """
    strange = a_payout(
        PayoutStatus.PROCESSING,
        first_sent_at=None,
        last_sent_at=None,
        updated_at=at(180),
    )
    dossier = a_dossier(strange, a_notification(WPAR, 0), a_query(WPAR, 180), attempts=())

    assert at(240) == due(dossier, 180)


ANSWERS = [
    a_bare(Meaning.NOT_FOUND),
    a_bare(Meaning.NO_RESULT),
    a_bare(Meaning.UNCLEAR),
    a_bare(Meaning.CHANNEL),
    an_answer(),
    an_answer(amount_fen=1),
    an_answer(trade_status=TradeStatus.FINI, currency=None),
    WPAR,
    FINI,
    PART,
    a_trade(TradeStatus.REFU),
    a_trade(TradeStatus.REFU, refund_fen=None),
    a_trade(TradeStatus.CLOS),
]


def asked_about(dossier: Dossier, answer: Answer) -> list[datetime]:
    """
    When JD is asked if every question is put when it is due, and gets that answer.
    """
    asked: list[datetime] = []
    now = NOON
    for _ in range(8):
        update = derive_update(dossier, now, LIMITS)
        dossier = written(dossier, update, now)
        if update.next_query_at is None:
            break
        asked.append(max(now, update.next_query_at))
        # What the sweep writes when it claims the question.
        misses = dossier.payout.query_misses
        again = asked[-1] + LIMITS.schedule.retry(misses)
        claimed = replace(dossier.payout, query_misses=misses + 1, next_query_at=again)
        dossier = replace(dossier, payout=claimed)
        now = asked[-1] + A_MOMENT
        heard = replace(a_query(answer), asked_at=asked[-1], received_at=now)
        dossier = replace(dossier, evidence=numbered((*dossier.evidence, heard)))
    return asked


@pytest.mark.parametrize("status", [s for s in PayoutStatus if s is not PayoutStatus.CANCELLED])
@pytest.mark.parametrize(
    "earlier",
    [(), (a_notification(PART, 0),), (a_notification(an_answer(amount_fen=1), 0),)],
    ids=["plain", "odd return", "mismatch"],
)
def test_no_answer_makes_a_hot_loop(status: PayoutStatus, earlier: tuple[Evidence, ...]) -> None:
    """
    Whatever JD answers each time, it is asked twice a minute at most.
    """
    attempts = (an_attempt(),) if a_payout(status).exposed else ()
    for answer in ANSWERS:
        asked = asked_about(a_dossier(a_payout(status), *earlier, attempts=attempts), answer)
        gaps = [later - first for first, later in zip(asked, asked[2:], strict=False)]

        assert min(gaps, default=A_MINUTE) >= A_MINUTE, answer

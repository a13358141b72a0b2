"""
Whether a payout may be sent, and sent again.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.factories import (
    a_bare,
    a_case,
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
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.may_send import may_send
from worker.payouts.status import PayoutStatus

LIMITS = Limits()
TWICE = (not_found(2), not_found(10))


def allowed(dossier: Dossier, minutes: float = 11, limits: Limits = LIMITS) -> bool:
    """
    Whether it may be sent at that minute.
    """
    return may_send(gather_facts(dossier), at(minutes), limits)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), False),
        ((2,), False),  # one answer is not enough
        ((10,), False),
        ((2, 10), True),  # the rule
        ((3, 12), True),
        ((10, 12), True),  # late ones do for both
        ((12, 10), True),  # in whatever order they came
        ((2, 9.9), False),  # both early
        ((1.9, 10), False),  # one too early to count at all
        ((1, 1.5, 1.9, 11), False),
        ((1, 2, 5, 9, 10), True),
        ((-1, 2), False),  # before the lease ended: the request was still on its way
        ((-20, -10, 2), False),
    ],
)
def test_absent_means_said_often_and_late_enough(asked: tuple[float, ...], expected: bool) -> None:
    """
    Two signed not-found answers, asked at least 2 and 10 minutes after the lease ended.
    """
    assert expected is allowed(a_dossier(None, *map(not_found, asked)), 13)


def test_one_answer_does_not_count_twice() -> None:
    """
    A question that is stored twice was asked once.
    """
    assert not allowed(a_dossier(None, not_found(10), not_found(10)))


def test_a_late_answer_to_an_early_question_does_not_count() -> None:
    """
    What JD knew when we asked is what matters.
    """
    late = not_found(1, received_at=at(15))

    assert not allowed(a_dossier(None, late, not_found(10)), 16)


def test_an_unsigned_absence_does_not_count() -> None:
    """
    Anyone can say that there is nothing.
    """
    forged = a_query(a_bare(Meaning.NOT_FOUND, verified=False), 2)

    assert not allowed(a_dossier(None, forged, not_found(10)))


@pytest.mark.parametrize(
    "sign",
    [
        a_query(a_trade(TradeStatus.WPAR), 5),
        a_notification(a_trade(TradeStatus.CLOS), 5),
        a_reply(a_trade(TradeStatus.BUID)),
        a_query(a_bare(Meaning.NO_RESULT), 5),  # only JD's support can explain it
        a_notification(a_trade(TradeStatus.FINI, amount_fen=1), 5),  # a signed mismatch
        # signed, with one of the four missing: no status for us, but a trade at JD
        a_notification(a_trade(TradeStatus.FINI, currency=None), 5),
        a_query(a_trade(TradeStatus.WPAR, amount_fen=None), 5),
    ],
    ids=["processing", "closed", "created", "no result", "mismatch", "unnamed", "unnamed query"],
)
def test_any_sign_of_a_trade_forbids_it(sign: Evidence) -> None:
    """
    If JD ever knew anything of it, a person decides.
    """
    assert not allowed(a_dossier(None, sign, *TWICE))


def test_a_duplicate_answer_forbids_another_resend() -> None:
    """
    JD said that it has the number, so a not-found after that is a riddle and no permission.
    """
    attempts = (an_attempt(1), an_attempt(2, AttemptOutcome.ANSWERED))
    duplicate = a_reply(a_bare(Meaning.DUPLICATE), attempt_id=2)

    assert not allowed(a_dossier(None, duplicate, *TWICE, attempts=attempts))


def test_a_number_that_somebody_else_used_is_never_sent_again() -> None:
    """
    JD knew it before we can have sent it: no absence later makes it ours.
    """
    attempts = (an_attempt(1, AttemptOutcome.ANSWERED),)
    duplicate = a_reply(a_bare(Meaning.DUPLICATE))

    assert not allowed(a_dossier(None, duplicate, *TWICE, attempts=attempts))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(23, True), (24, True), (24.01, False), (1000, False)],
)
def test_a_resend_has_its_window(hours: float, expected: bool) -> None:
    """
    No resend later than 24 hours after the first transmission.
    """
    assert expected is allowed(a_dossier(None, *TWICE), hours * 60)


@pytest.mark.parametrize(
    ("limit", "outcomes", "expected"),
    [
        (2, "U", True),
        (2, "UU", True),
        (2, "UUU", False),  # two resends are used up
        (2, "UNUN", True),  # connections that were never made do not count
        (0, "U", False),  # switched off
        (1, "UU", False),
    ],
)
def test_resends_are_limited(limit: int, outcomes: str, expected: bool) -> None:
    """
    So many resends and no more: U is unanswered, N is not connected.
    """
    kinds = {"U": AttemptOutcome.NO_ANSWER, "N": AttemptOutcome.NOT_CONNECTED}
    attempts = tuple(an_attempt(n, kinds[kind]) for n, kind in enumerate(outcomes, 1))
    limits = replace(LIMITS, resend_limit=limit)

    assert expected is allowed(a_dossier(None, *TWICE, attempts=attempts), limits=limits)


def test_after_a_resend_the_asking_begins_anew() -> None:
    """
    Answers from before the last lease ended prove nothing about the last transmission.
    """
    resent = a_payout(lease_ended_at=at(12), last_sent_at=at(11), resends=1)
    attempts = (an_attempt(1), an_attempt(2, started_at=at(11)))

    assert not allowed(a_dossier(resent, *TWICE, attempts=attempts), 23)
    assert allowed(a_dossier(resent, *TWICE, not_found(14), not_found(22), attempts=attempts), 23)


def test_every_gap_needs_its_answer() -> None:
    """
    The gaps are a setting; three of them need three answers.
    """
    gaps = tuple(timedelta(minutes=m) for m in (2, 10, 20))
    limits = replace(LIMITS, resend_gaps=gaps)

    assert not allowed(a_dossier(None, *TWICE), 30, limits)
    assert allowed(a_dossier(None, *TWICE, not_found(20)), 30, limits)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (PayoutStatus.QUEUED, True),
        (PayoutStatus.HELD, False),
        (PayoutStatus.SENDING, False),  # someone has it
        (PayoutStatus.REFUSED, False),  # only once an operator made it due
        (PayoutStatus.UNKNOWN, False),  # not without JD's word
        (PayoutStatus.PROCESSING, False),
        (PayoutStatus.FAILED, False),
        (PayoutStatus.PAID, False),
        (PayoutStatus.RETURNED, False),
        (PayoutStatus.CANCELLED, False),
    ],
)
def test_what_may_be_sent_by_itself(status: PayoutStatus, expected: bool) -> None:
    """
    Of all statuses, only a queued payout goes out without more ado.
    """
    assert expected is allowed(a_dossier(a_payout(status)))


@pytest.mark.parametrize(
    "status",
    [s for s in PayoutStatus if s not in {PayoutStatus.QUEUED, PayoutStatus.UNKNOWN}],
)
def test_absence_allows_nothing_but_a_resend_from_unknown(status: PayoutStatus) -> None:
    """
    Not found is no permission to send what stands anywhere else.
    """
    assert not allowed(a_dossier(a_payout(status), *TWICE, attempts=(an_attempt(),)))


def test_a_refused_payout_goes_again_when_an_operator_made_it_due() -> None:
    """
    After the fix, the same number is sent again.
    """
    due = a_payout(PayoutStatus.REFUSED, next_send_at=at(5))

    assert allowed(a_dossier(due))
    assert not allowed(a_dossier(due, a_notification(a_trade(TradeStatus.WPAR))))


@pytest.mark.parametrize("kind", CaseKind)
@pytest.mark.parametrize(
    "status", [PayoutStatus.QUEUED, PayoutStatus.REFUSED, PayoutStatus.UNKNOWN]
)
def test_an_open_case_stops_all_sending(kind: CaseKind, status: PayoutStatus) -> None:
    """
    While a person has to look, nothing goes out.
    """
    payout = a_payout(status, next_send_at=at(5))
    dossier = a_dossier(payout, *TWICE, attempts=(an_attempt(),), cases=(a_case(kind),))

    assert not allowed(dossier)


def test_a_trade_that_is_known_stops_a_queued_payout() -> None:
    """
    JD told us of it before we ever sent it: the row has not been brought in line yet.
    """
    queued = a_payout(PayoutStatus.QUEUED)

    assert not allowed(a_dossier(queued, a_notification(a_trade(TradeStatus.WPAR))))


def test_two_answers_in_one_breath_are_one() -> None:
    """
    A query that was delivered twice asks twice at once: the second says nothing new.
    """
    assert not allowed(a_dossier(None, not_found(10), not_found(10.001)))
    assert allowed(a_dossier(None, not_found(10), not_found(12)))

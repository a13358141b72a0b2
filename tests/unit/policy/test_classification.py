"""
What a message says about a payout, and which messages are believed.
"""

import itertools
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.factories import (
    AMOUNT,
    NOON,
    a_bare,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_answer,
    at,
    not_found,
)
from worker.payouts.evidence import Answer, Evidence, Meaning, Source, TradeStatus
from worker.payouts.policy.classification import (
    BALANCE_SHORT,
    CLOCK_TOLERANCE,
    Absent,
    Classification,
    Known,
    Mismatch,
    NoResult,
    NumberTaken,
    Refusal,
    Silent,
    Trade,
    classify,
    is_odd,
)
from worker.payouts.status import PayoutStatus, Reason

BUILDERS = {Source.REPLY: a_reply, Source.QUERY: a_query, Source.NOTIFICATION: a_notification}


def heard(source: Source, answer: Answer, exposed_since: datetime | None = None) -> Classification:
    """
    The classification of an answer on the usual payout.
    """
    return classify(a_payout(), BUILDERS[source](answer), exposed_since)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (a_trade(TradeStatus.BUID), PayoutStatus.PROCESSING, Reason.IN_PROGRESS),
        (a_trade(TradeStatus.ACSU), PayoutStatus.PROCESSING, Reason.IN_PROGRESS),
        (a_trade(TradeStatus.WPAR), PayoutStatus.PROCESSING, Reason.IN_PROGRESS),
        (a_trade(TradeStatus.FINI), PayoutStatus.PAID, Reason.PAID),
        (a_trade(TradeStatus.CLOS), PayoutStatus.FAILED, Reason.CLOSED),
        (
            a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT),
            PayoutStatus.FAILED,
            Reason.CLOSED_BALANCE_SHORT,
        ),
        # closed for the payee's account: failed like any other
        (a_trade(TradeStatus.CLOS, reason_code="BAC2000006"), PayoutStatus.FAILED, Reason.CLOSED),
        (a_trade(TradeStatus.REFU), PayoutStatus.RETURNED, Reason.RETURNED),
        # a part, nothing, zero, or more than was paid: it was paid, and a person looks
        (
            a_trade(TradeStatus.REFU, refund_fen=1),
            PayoutStatus.PAID,
            Reason.PARTLY_RETURNED,
        ),
        (a_trade(TradeStatus.REFU, refund_fen=None), PayoutStatus.PAID, Reason.PARTLY_RETURNED),
        (a_trade(TradeStatus.REFU, refund_fen=0), PayoutStatus.PAID, Reason.PARTLY_RETURNED),
        (
            a_trade(TradeStatus.REFU, refund_fen=AMOUNT + 1),
            PayoutStatus.PAID,
            Reason.PARTLY_RETURNED,
        ),
        # the trade status decides, whatever the code of the call
        (
            a_trade(TradeStatus.FINI, meaning=Meaning.UNCLEAR),
            PayoutStatus.PAID,
            Reason.PAID,
        ),
    ],
)
def test_a_signed_trade_status_counts_from_any_source(
    source: Source, answer: Answer, status: PayoutStatus, reason: Reason
) -> None:
    """
    Reply, query and notification are one kind of evidence.
    """
    found = heard(source, answer)

    assert isinstance(found, Trade)
    assert (status, reason) == (found.status, found.reason)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("field", ["merchant", "number", "amount_fen", "currency"])
def test_a_trade_status_must_name_all_four(source: Source, field: str) -> None:
    """
    Merchant, number, amount and currency must be there, or JD only shows that it knows the number.
    """
    assert isinstance(heard(source, a_trade(TradeStatus.FINI, **{field: None})), Known)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize(
    "changed",
    [
        {"merchant": "360080000000000002"},
        {"number": "P2026030200002"},
        {"amount_fen": AMOUNT + 1},
        {"amount_fen": 0},  # zero is a value, not an absence
        {"currency": "USD"},
        {"currency": "cny"},
    ],
)
@pytest.mark.parametrize(
    "answer",
    [a_trade(TradeStatus.FINI), a_bare(Meaning.PAYEE), a_bare(Meaning.NOT_FOUND)],
    ids=["trade", "refusal", "not found"],
)
def test_what_names_something_else_is_no_evidence(
    source: Source, changed: dict[str, Any], answer: Answer
) -> None:
    """
    One of the four that is there and differs makes the whole message a mismatch.
    """
    assert isinstance(heard(source, replace(answer, **changed)), Mismatch)


@pytest.mark.parametrize("source", Source)
def test_nothing_unverified_says_anything(source: Source) -> None:
    """
    Whatever an unsigned message claims, it is silent.
    """
    for meaning, status in itertools.product(Meaning, [None, *TradeStatus]):
        answer = an_answer(verified=False, meaning=meaning, trade_status=status)

        assert isinstance(heard(source, answer, NOON), Silent), (meaning, status)


@pytest.mark.parametrize(
    "meaning", [Meaning.PAYEE, Meaning.REQUEST, Meaning.CHANNEL, Meaning.BALANCE]
)
@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (Source.REPLY, Refusal),
        (Source.QUERY, Silent),  # it refuses the question, not the payout
        (Source.NOTIFICATION, Silent),
    ],
)
def test_only_the_reply_can_refuse(
    meaning: Meaning, source: Source, kind: type[Classification]
) -> None:
    """
    A refusal counts as the answer to our own request alone, and may name nothing.
    """
    assert isinstance(heard(source, a_bare(meaning)), kind)


@pytest.mark.parametrize(
    "meaning",
    [Meaning.NONE, Meaning.UNCLEAR, Meaning.NOT_FOUND, Meaning.NO_RESULT],
)
def test_any_other_reply_refuses_nothing(meaning: Meaning) -> None:
    """
    An unlisted code or a system error leaves a sent payout unknown.
    """
    assert isinstance(heard(Source.REPLY, a_bare(meaning)), Silent)


def test_a_reply_that_took_it_in_shows_that_jd_knows_it() -> None:
    """
    0000 without a trade status says no more, and forbids that the number is sent again.
    """
    assert isinstance(heard(Source.REPLY, a_bare(Meaning.PROCESSED)), Known)


@pytest.mark.parametrize(
    ("source", "kind"),
    [(Source.QUERY, Absent), (Source.REPLY, Silent), (Source.NOTIFICATION, Silent)],
)
def test_only_a_query_can_find_nothing(source: Source, kind: type[Classification]) -> None:
    """
    Not found counts as the answer to our own question alone.
    """
    assert isinstance(heard(source, a_bare(Meaning.NOT_FOUND)), kind)


def test_an_absence_is_as_of_the_question() -> None:
    """
    What counts is when we asked, not when the answer came.
    """
    found = classify(a_payout(), not_found(3, received_at=at(9)), NOON)

    assert isinstance(found, Absent)
    assert at(3) == found.asked_at


def test_an_absence_without_the_moment_of_its_question_is_silent() -> None:
    """
    Nobody can say what it proves.
    """
    assert isinstance(classify(a_payout(), not_found(3, asked_at=None), NOON), Silent)


@pytest.mark.parametrize(
    ("source", "kind"),
    [(Source.QUERY, NoResult), (Source.REPLY, Silent), (Source.NOTIFICATION, Silent)],
)
def test_no_result_is_an_answer_of_its_own(source: Source, kind: type[Classification]) -> None:
    """
    Not in JD's database is neither not found nor failed.
    """
    assert isinstance(heard(source, a_bare(Meaning.NO_RESULT)), kind)


@pytest.mark.parametrize("meaning", Meaning)
def test_no_code_of_a_query_ends_a_payout(meaning: Meaning) -> None:
    """
    An answer to a query moves a payout by its trade status and by nothing else.
    """
    assert not isinstance(heard(Source.QUERY, a_bare(meaning)), Trade | Refusal)


DUPLICATE = a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE)


@pytest.mark.parametrize(
    ("exposed_since", "traded_at", "kind"),
    [
        # we never exposed it before this attempt: someone else used the number
        (None, None, NumberTaken),
        (None, at(1), NumberTaken),
        # an earlier attempt of ours may have booked it: its status counts like a query's
        (NOON, None, Trade),
        (NOON, NOON, Trade),
        (NOON, at(7), Trade),
        # JD's clock and ours differ a little
        (NOON, NOON - CLOCK_TOLERANCE, Trade),
        # a trade from before that attempt cannot be ours
        (NOON, at(-6), NumberTaken),
        (NOON, at(days=-1), NumberTaken),
    ],
)
def test_a_duplicate_answer(
    exposed_since: datetime | None, traded_at: datetime | None, kind: type[Classification]
) -> None:
    """
    The number is already used: by us, or by someone else.
    """
    answer = replace(DUPLICATE, traded_at=traded_at)

    assert isinstance(heard(Source.REPLY, answer, exposed_since), kind)


def test_a_duplicate_answer_without_a_status_shows_that_jd_knows_it() -> None:
    """
    It says that JD has the trade, not what became of it.
    """
    assert isinstance(heard(Source.REPLY, a_bare(Meaning.DUPLICATE), NOON), Known)


@pytest.mark.parametrize(
    ("answer", "odd"),
    [
        (a_trade(TradeStatus.REFU), False),
        (a_trade(TradeStatus.REFU, refund_fen=1), True),
        (a_trade(TradeStatus.REFU, refund_fen=0), True),
        (a_trade(TradeStatus.REFU, refund_fen=None), True),
        (a_trade(TradeStatus.REFU, refund_fen=AMOUNT + 1), True),
        (a_trade(TradeStatus.FINI), False),
    ],
)
def test_a_return_that_is_not_the_whole_is_odd(answer: Answer, odd: bool) -> None:
    """
    A return of anything but the whole amount makes us ask.
    """
    found = heard(Source.NOTIFICATION, answer)

    assert isinstance(found, Trade)
    assert odd is is_odd(found)


def test_a_bearing_keeps_its_evidence() -> None:
    """
    What decided can always be shown.
    """
    evidence: Evidence = a_query(a_trade(TradeStatus.FINI))

    assert evidence is classify(a_payout(), evidence, None).evidence

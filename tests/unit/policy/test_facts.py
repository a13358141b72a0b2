"""
Which attempts expose a payout, and what all evidence together says.
"""

import pytest

from tests.factories import (
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
)
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.policy.facts import gather_facts
from worker.payouts.status import PayoutStatus

NOT_CONNECTED = AttemptOutcome.NOT_CONNECTED
ANSWERED = AttemptOutcome.ANSWERED
NO_ANSWER = AttemptOutcome.NO_ANSWER
LOST = AttemptOutcome.LOST


def exposing(dossier: Dossier) -> list[int]:
    """
    The numbers of the attempts that may have reached JD.
    """
    return [attempt.number for attempt in gather_facts(dossier).exposing]


@pytest.mark.parametrize(
    ("outcome", "answer", "expected"),
    [
        (None, None, [1]),  # it runs: the request may be on the wire
        (NOT_CONNECTED, None, []),  # provably nothing was sent
        (NO_ANSWER, None, [1]),
        (LOST, None, [1]),  # nobody knows how far the worker came
        (ANSWERED, a_bare(Meaning.PAYEE), []),  # refused: nothing was booked
        (ANSWERED, a_bare(Meaning.REQUEST), []),
        (ANSWERED, a_bare(Meaning.CHANNEL), []),
        (ANSWERED, a_bare(Meaning.BALANCE), []),
        (LOST, a_bare(Meaning.PAYEE), []),  # the refusal was late
        (None, a_bare(Meaning.PAYEE), []),  # stored, and the attempt not closed yet
        (ANSWERED, a_bare(Meaning.PAYEE, verified=False), [1]),  # anyone may have said it
        (ANSWERED, a_bare(Meaning.PAYEE, merchant="other"), [1]),  # about someone else
        (ANSWERED, a_bare(Meaning.UNCLEAR), [1]),
        (ANSWERED, a_bare(Meaning.DUPLICATE), [1]),
        (ANSWERED, an_answer(), [1]),  # 0000 without a trade: accepted, perhaps
    ],
)
def test_an_attempt_exposes_unless_it_provably_did_not(
    outcome: AttemptOutcome | None, answer: Answer | None, expected: list[int]
) -> None:
    """
    Only a safe connection error or a verified refusal takes an attempt back.
    """
    evidence = () if answer is None else (a_reply(answer),)

    assert expected == exposing(a_dossier(None, *evidence, attempts=(an_attempt(1, outcome),)))


def test_a_refusal_takes_back_its_own_attempt_only() -> None:
    """
    An earlier attempt without an answer goes on exposing.
    """
    attempts = (an_attempt(1, NO_ANSWER), an_attempt(2, ANSWERED))
    refusal = a_reply(a_bare(Meaning.PAYEE), attempt_id=2)

    assert exposing(a_dossier(None, refusal, attempts=attempts)) == [1]


def test_a_refused_query_takes_nothing_back() -> None:
    """
    A refusal of the question says nothing about the payout.
    """
    assert exposing(a_dossier(None, a_query(a_bare(Meaning.CHANNEL)))) == [1]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (NO_ANSWER, [TradeStatus.FINI]),  # ours: the first attempt booked it
        (NOT_CONNECTED, []),  # nothing of ours can have reached JD
    ],
)
def test_a_duplicate_needs_an_earlier_attempt_of_ours(
    first: AttemptOutcome, expected: list[TradeStatus]
) -> None:
    """
    Only if we may have sent the number before is the duplicate's status ours.
    """
    duplicate = a_reply(
        a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE), attempt_id=2, asked_at=at(20)
    )
    attempts = (an_attempt(1, first), an_attempt(2, ANSWERED, started_at=at(20)))
    facts = gather_facts(a_dossier(None, duplicate, attempts=attempts))

    assert expected == [t.evidence.answer.trade_status for t in facts.trades]
    assert len(facts.taken) == 1 - len(expected)


def test_a_later_attempt_does_not_make_an_early_duplicate_ours() -> None:
    """
    The first attempt's own answer was that the number is used: a second one changes nothing.
    """
    duplicate = a_reply(a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE), attempt_id=1)
    attempts = (an_attempt(1, LOST), an_attempt(2, NO_ANSWER, started_at=at(1)))
    facts = gather_facts(a_dossier(None, duplicate, attempts=attempts))

    assert facts.trades == ()
    assert len(facts.taken) == 1


def test_the_top_is_the_highest_ever_evidenced() -> None:
    """
    Neither the last word nor the first decides, and the first to show the highest is named.
    """
    facts = gather_facts(
        a_dossier(
            None,
            a_query(a_trade(TradeStatus.FINI)),
            a_notification(a_trade(TradeStatus.FINI)),
            a_query(a_trade(TradeStatus.WPAR)),
        )
    )

    assert facts.top is not None
    assert (facts.top.status, facts.top.evidence.id) == (PayoutStatus.PAID, 1)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((), None),
        ((not_found(1), not_found(3)), at(3)),
        ((not_found(3), not_found(1)), at(3)),  # the first answer came last
        ((a_query(an_answer(verified=False), 3),), None),  # no answer at all
        ((a_notification(a_trade(TradeStatus.FINI), 3),), None),  # nobody asked
        ((a_reply(a_trade(TradeStatus.WPAR)),), None),
        ((a_query(a_bare(Meaning.UNCLEAR), 3),), None),  # signed, and it says nothing
        ((a_query(an_answer(amount_fen=1), 3),), at(3)),  # an answer, if a strange one
    ],
)
def test_the_last_answered_question(evidence: tuple[object, ...], expected: object) -> None:
    """
    A step of the schedule is done by a verified answer that says something.
    """
    assert expected == gather_facts(a_dossier(a_payout(), *evidence)).answered_at  # type: ignore[arg-type]

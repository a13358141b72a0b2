"""
Evidence in any order and any multiplicity gives the same end.

Each piece keeps the times at which it was asked for and received; only the order in which the
pieces are judged changes, and how often each one is stored.
"""

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.world import written
from tests.factories import (
    AMOUNT,
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
from worker.payouts.evidence import REFUSALS, Answer, Evidence, Meaning, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.classification import BALANCE_SHORT
from worker.payouts.policy.state import derive_update
from worker.payouts.status import PayoutStatus

#: Resends are off, so that an absence ends in a case instead of in another attempt.
LIMITS = replace(Limits(), resend_limit=0)
LATER = at(60)

OUTCOMES = {
    "?": AttemptOutcome.NO_ANSWER,
    "A": AttemptOutcome.ANSWERED,
    "N": AttemptOutcome.NOT_CONNECTED,
    "L": AttemptOutcome.LOST,
}

names = st.sampled_from(["merchant", "number", "currency"])
trades = st.one_of(
    st.sampled_from(
        [
            a_trade(TradeStatus.BUID),
            a_trade(TradeStatus.WPAR),
            a_trade(TradeStatus.FINI),
            a_trade(TradeStatus.FINI, trade_no="JD2"),
            a_trade(TradeStatus.CLOS),
            a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT),
            a_trade(TradeStatus.REFU),
        ]
    ),
    st.builds(
        lambda fen: a_trade(TradeStatus.REFU, refund_fen=fen),
        st.sampled_from([None, 0, 1, 3000, AMOUNT, AMOUNT + 1]),
    ),
)
foreign = st.builds(lambda answer, name: replace(answer, **{name: "other"}), trades, names)
nameless = st.builds(lambda answer, name: replace(answer, **{name: None}), trades, names)
codes = st.sampled_from([a_bare(meaning) for meaning in Meaning] + [an_answer()])
answers = st.one_of(trades, trades, codes, foreign, nameless)
unsigned = answers.map(lambda answer: replace(answer, verified=False))
#: Few moments, so that some pieces share one.
minutes = st.sampled_from([1, 2, 11, 30])

notifications = st.builds(a_notification, answers, minutes)
queries = st.one_of(st.builds(a_query, answers, minutes), st.builds(not_found, minutes))
refusals = st.sampled_from([a_bare(meaning) for meaning in sorted(REFUSALS)])
replies = st.one_of(refusals, refusals, answers)


@dataclass(frozen=True)
class Story:
    """
    What was sent, and what was heard of it.
    """

    outcomes: str
    evidence: tuple[Evidence, ...]

    @property
    def start(self) -> Dossier:
        """
        The attempts are over, and nothing was judged yet.
        """
        attempts = tuple(
            an_attempt(n, OUTCOMES[letter], started_at=NOON - timedelta(seconds=90 - n))
            for n, letter in enumerate(self.outcomes, 1)
        )
        return a_dossier(a_payout(PayoutStatus.SENDING), attempts=attempts)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """
    One or two attempts, the answer of the last one if it had any, and what came beside it.
    """
    outcomes = draw(st.sampled_from(["?", "L", "A", "A", "NA", "?A", "?N", "LA", "?L"]))
    evidence = draw(st.lists(st.one_of(notifications, queries), max_size=4))
    if outcomes[-1] in "AL" and (outcomes[-1] == "A" or draw(st.booleans())):
        evidence.append(a_reply(draw(replies), attempt_id=len(outcomes)))
    return Story(outcomes, tuple(evidence))


End = tuple[PayoutStatus, int, bool, frozenset[CaseKind]]


def told(story: Story, pieces: tuple[Evidence, ...], *, one_by_one: bool = True) -> End:
    """
    How the story ends if its evidence arrives so; on the way the rank never falls.
    """
    dossier = story.start
    known: frozenset[CaseKind] = frozenset()
    rank = 0
    firsts = range(len(pieces) + 1) if one_by_one else [len(pieces)]
    for first in firsts:
        dossier = replace(dossier, evidence=numbered(pieces[:first]))
        update = derive_update(dossier, LATER, LIMITS)
        dossier = written(dossier, update, LATER)
        known = frozenset(note.kind for note in update.cases)
        if rank >= PayoutStatus.PROCESSING.rank:
            assert update.status.rank >= rank
        rank = update.status.rank
    return dossier.payout.status, dossier.payout.returned_fen, dossier.payout.exposed, known


BESIDE = [
    a_notification(a_trade(TradeStatus.WPAR), 2),
    a_notification(a_trade(TradeStatus.CLOS), 2),
    a_query(a_trade(TradeStatus.FINI), 11),
    a_notification(a_trade(TradeStatus.REFU), 30),
    a_notification(a_trade(TradeStatus.REFU, refund_fen=3000), 30),
    a_notification(a_trade(TradeStatus.REFU, refund_fen=0), 11),
    a_query(a_trade(TradeStatus.WPAR, trade_no="JD2"), 2),
    a_notification(a_trade(TradeStatus.FINI, amount_fen=1), 2),
    a_query(a_bare(Meaning.NO_RESULT), 11),
    not_found(2),
    not_found(11),
]
REPLIES = [
    a_bare(Meaning.PAYEE),
    a_bare(Meaning.CHANNEL),
    a_bare(Meaning.DUPLICATE),
    a_bare(Meaning.UNCLEAR),
    a_trade(TradeStatus.WPAR),
    a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE),
]


@pytest.mark.parametrize("outcomes", ["A", "?A", "L"])
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.code)
def test_a_reply_and_two_more_pieces_in_every_order(outcomes: str, reply: Answer) -> None:
    """
    For every pair of other evidence, all six orders come to one end.
    """
    first = a_reply(reply, attempt_id=len(outcomes))
    for pair in itertools.combinations(BESIDE, 2):
        story = Story(outcomes, (first, *pair))
        ends = {told(story, order) for order in itertools.permutations(story.evidence)}

        assert len(ends) == 1, pair


@given(story=stories(), data=st.data())
@settings(max_examples=100)
def test_the_order_of_arrival_does_not_matter(story: Story, data: st.DataObject) -> None:
    """
    Status, returned amount, exposure and cases are the same for any order.
    """
    shuffled = tuple(data.draw(st.permutations(story.evidence)))

    assert told(story, story.evidence) == told(story, shuffled)


@given(story=stories(), data=st.data())
@settings(max_examples=100)
def test_copies_do_not_matter(story: Story, data: st.DataObject) -> None:
    """
    A message that is stored again, anywhere, changes nothing.
    """
    copies = (
        data.draw(st.lists(st.sampled_from(story.evidence), max_size=4)) if (story.evidence) else []
    )
    longer = tuple(data.draw(st.permutations([*story.evidence, *copies])))

    assert told(story, story.evidence) == told(story, longer)


@given(story=stories())
@settings(max_examples=100)
def test_weighing_all_at_once_is_the_same(story: Story) -> None:
    """
    A sweep that finds everything unapplied comes to the same end as one piece after the other.
    """
    assert told(story, story.evidence) == told(story, story.evidence, one_by_one=False)


@given(story=stories(), forged=st.lists(unsigned, max_size=5), data=st.data())
@settings(max_examples=100)
def test_nothing_unsigned_changes_anything(
    story: Story, forged: list[Answer], data: st.DataObject
) -> None:
    """
    Whatever a forger sends, by notification or in our own connection, the end is the same.
    """
    kinds = [data.draw(st.sampled_from([a_notification, a_query])) for _ in forged]
    noise = [build(answer, 2) for build, answer in zip(kinds, forged, strict=True)]
    mixed = tuple(data.draw(st.permutations([*story.evidence, *noise])))

    assert told(story, story.evidence) == told(story, mixed)


@given(story=stories())
@settings(max_examples=100)
def test_failed_needs_proof(story: Story) -> None:
    """
    Nothing ends in failed but by a signed close of ours, or a signed refusal of the payee.
    """
    status, *_ = told(story, story.evidence)
    proofs = [
        e
        for e in story.evidence
        if e.answer.trade_status is TradeStatus.CLOS
        or (e.attempt_id is not None and e.answer.meaning is Meaning.PAYEE)
    ]

    assert status is not PayoutStatus.FAILED or proofs


@given(story=stories())
@settings(max_examples=100)
def test_an_exposed_payout_is_never_put_back(story: Story) -> None:
    """
    Once a transmission may have arrived, no evidence makes it queued, held or cancelled.
    """
    status, _, exposed, _ = told(story, story.evidence)

    assert not exposed or status not in {
        PayoutStatus.QUEUED,
        PayoutStatus.HELD,
        PayoutStatus.CANCELLED,
    }


@given(story=stories())
@settings(max_examples=100)
def test_close_with_success_has_a_case(story: Story) -> None:
    """
    Whoever sees failed and paid of one payout is not alone with it.
    """
    signed = [
        e.answer.trade_status
        for e in story.evidence
        if e.answer.trade_status
        and (e.answer.merchant, e.answer.number, e.answer.amount_fen, e.answer.currency)
        == (an_answer().merchant, an_answer().number, AMOUNT, "CNY")
        and e.answer.meaning is not Meaning.DUPLICATE
    ]
    mixed = TradeStatus.CLOS in signed and {TradeStatus.FINI, TradeStatus.REFU} & set(signed)
    *_, known = told(story, story.evidence)

    assert not mixed or CaseKind.CONTRADICTION in known

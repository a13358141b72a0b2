"""
Many payouts in one commit: each has its own claim and its own outcome, and all or none are kept.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.contract.samples import (
    MERCHANT,
    NOON,
    VirtualClock,
    a_judge,
    a_verified_answer,
    accepted,
    an_update,
    applied,
    claimed,
    due_queries,
    recorded,
)
from tests.factories import a_claimant
from worker.payouts.claim import Draft
from worker.payouts.errors import NoSuchPayout
from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier, Payout
from worker.payouts.news import Ending, News, Told, of_reply
from worker.payouts.pace import Pace
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote, Update
from worker.usecases.ports import Ledger


class Fault(Exception):
    """
    A mistake of ours.
    """


SLOW = Pace(60, timedelta(minutes=1))
LOOK_AGAIN = timedelta(seconds=30)


def several(ledger: Ledger, count: int = 3) -> list[Payout]:
    """
    Payouts that wait to be sent.
    """
    return [accepted(ledger, f"P-{number}") for number in range(1, count + 1)]


def ids(payouts: list[Payout]) -> list[int]:
    """
    Their ids.
    """
    return [payout.id for payout in payouts]


def own_words(draft: Draft) -> str:
    """
    A request that only this payout can have.
    """
    return f"pay {draft.order.out_trade_no}"


def test_each_payout_of_a_batch_has_a_claim_of_its_own(ledger: Ledger) -> None:
    """
    Its attempt, its lease, its request, its transition; in the order given.
    """
    queued = several(ledger)
    order = [queued[2], queued[0], queued[1]]

    claims = ledger.claim(ids(order), replace(a_claimant(), decide=own_words)).claims

    assert [claim.payout.id for claim in claims] == ids(order)
    assert len({claim.attempt.lease_token for claim in claims}) == 3
    for claim in claims:
        number = claim.payout.out_trade_no
        dossier = ledger.dossier(claim.payout.id)
        assert claim.request == f"pay {number}" == ledger.request(claim.payout.id)  # type: ignore[attr-defined]
        assert dossier.attempts == (claim.attempt,)
        assert dossier.payout.lease_token == claim.attempt.lease_token
        assert [t.to_status for t in ledger.history(claim.payout.id)] == [
            PayoutStatus.QUEUED,
            PayoutStatus.SENDING,
        ]


def test_of_two_payouts_that_share_a_debt_one_is_claimed(ledger: Ledger) -> None:
    """
    What the first one does decides about the second, so that one stays due for the next look.
    """
    first = accepted(ledger, "P-1", obligation="DEBT", amount_fen=50, owed_fen=100)
    second = accepted(ledger, "P-2", obligation="DEBT", amount_fen=50, owed_fen=100)

    claims = ledger.claim([first.id, second.id], a_claimant()).claims

    assert [claim.payout.id for claim in claims] == [first.id]
    assert ledger.find_due_sends(MERCHANT, 10) == [second.id]


def test_a_batch_leaves_out_what_may_not_be_sent(ledger: Ledger, clock: VirtualClock) -> None:
    """
    The others go out; it is looked at again after a while, and not at once.
    """
    first, second, third = several(ledger)

    def decide(draft: Draft) -> str | None:
        return None if draft.dossier.payout.id == second.id else own_words(draft)

    claims = ledger.claim(ids([first, second, third]), replace(a_claimant(), decide=decide)).claims

    assert [claim.payout.id for claim in claims] == [first.id, third.id]
    assert ledger.dossier(second.id).payout == replace(second, next_send_at=NOON + LOOK_AGAIN)
    assert ledger.find_due_sends(MERCHANT, 10) == []
    clock.advance(seconds=30)
    assert ledger.find_due_sends(MERCHANT, 10) == [second.id]


def test_a_fault_in_one_leaves_nothing_of_the_batch(ledger: Ledger) -> None:
    """
    All of a commit or nothing: the caller goes on with each alone.
    """
    queued = several(ledger)

    def decide(draft: Draft) -> str:
        if draft.dossier.payout.id == queued[2].id:
            raise Fault
        return own_words(draft)

    with pytest.raises(Fault):
        ledger.claim(ids(queued), replace(a_claimant(), decide=decide))

    for payout in queued:
        assert ledger.dossier(payout.id).payout == payout
        assert ledger.dossier(payout.id).attempts == ()
        assert len(ledger.history(payout.id)) == 1
    again = ledger.claim(ids(queued), replace(a_claimant("fresh"))).claims
    assert [claim.request for claim in again] == ["fresh"] * 3


def test_a_payout_that_does_not_exist_is_named(ledger: Ledger) -> None:
    """
    And nothing of the batch is claimed.
    """
    queued = several(ledger, 1)

    with pytest.raises(NoSuchPayout, match="404"):
        ledger.claim([queued[0].id, 404], a_claimant())

    assert ledger.dossier(queued[0].id).payout == queued[0]


def test_a_stopped_channel_gives_no_claim(ledger: Ledger) -> None:
    """
    And nothing is changed.
    """
    queued = several(ledger)
    ledger.pause(MERCHANT, "balance", "operator")

    assert ledger.claim(ids(queued), a_claimant()).claims == ()
    assert [ledger.dossier(payout.id).payout for payout in queued] == queued


def test_each_outcome_of_a_batch_is_its_own(ledger: Ledger) -> None:
    """
    Three attempts end together, each otherwise: no answer, a success, no connection.
    """
    queued = several(ledger)
    tries = [claimed(ledger, payout) for payout in queued]
    success = a_verified_answer(number="P-2", raw=b"two")

    ledger.take_in(
        [
            of_reply(Ending(tries[2], AttemptOutcome.NOT_CONNECTED, "dns"), None),
            of_reply(Ending(tries[0], AttemptOutcome.NO_ANSWER, "read_timeout"), None),
            of_reply(Ending(tries[1], AttemptOutcome.ANSWERED, "0000"), success),
        ],
        a_judge(),
    )

    ended = [ledger.dossier(payout.id) for payout in queued]
    assert [dossier.attempts[0].outcome for dossier in ended] == [
        AttemptOutcome.NO_ANSWER,
        AttemptOutcome.ANSWERED,
        AttemptOutcome.NOT_CONNECTED,
    ]
    assert [d.attempts[0].detail for d in ended] == ["read_timeout", "0000", "dns"]
    assert [[e.answer.raw for e in d.evidence] for d in ended] == [[], [b"two"], []]
    assert [e.attempt_id for e in ended[1].evidence] == [tries[1].id]
    assert {dossier.payout.lease_token for dossier in ended} == {None}


def test_each_payout_of_a_batch_is_judged_by_its_own_evidence(ledger: Ledger) -> None:
    """
    What was stored before counts as what comes now, and each moves, or does not, by itself.
    """
    first, second, third = several(ledger)
    recorded(ledger, second.id, raw=b"earlier")
    seen: dict[int, list[bytes]] = {}

    def decide(dossier: object, _now: object) -> object:
        payout = dossier.payout  # type: ignore[attr-defined]
        seen[payout.id] = [e.answer.raw for e in dossier.evidence]  # type: ignore[attr-defined]
        status = PayoutStatus.PAID if payout.id == first.id else payout.status
        case = (CaseNote(CaseKind.NUMBER_TAKEN),) if payout.id == third.id else ()
        return an_update(payout, status=status, cases=case)

    judged = ledger.take_in(
        [
            News(payout.id, told=Told(Source.QUERY, a_verified_answer(raw=raw), asked_at=NOON))
            for payout, raw in ((third, b"c"), (first, b"a"), (second, b"b"))
        ],
        Judge(decide, "worker-1", 3),  # type: ignore[arg-type]
    )

    assert [one.dossier.payout.id for one in judged if one] == [third.id, first.id, second.id]
    assert seen == {third.id: [b"c"], first.id: [b"a"], second.id: [b"earlier", b"b"]}
    assert ledger.find_unapplied(10) == []
    statuses = [ledger.dossier(payout.id).payout.status for payout in (first, second, third)]
    assert statuses == [PayoutStatus.PAID, PayoutStatus.QUEUED, PayoutStatus.QUEUED]
    assert [case.payout_id for case in ledger.cases(open_only=True, limit=9)] == [third.id]


def test_what_is_judged_has_the_number_that_it_is_stored_under(ledger: Ledger) -> None:
    """
    A decision, a case and a move name evidence by its number: never by that of another payout's.
    """
    queued = several(ledger)

    judged = ledger.take_in(
        [
            News(payout.id, told=Told(Source.QUERY, a_verified_answer(raw=raw), asked_at=NOON))
            for payout, raw in zip(queued, (b"a", b"b", b"c"), strict=True)
        ],
        a_judge(),
    )

    stored = [[(e.id, e.answer.raw) for e in ledger.dossier(p.id).evidence] for p in queued]
    assert [raw for ((_, raw),) in stored] == [b"a", b"b", b"c"]
    assert [[(e.id, e.answer.raw) for e in j.dossier.evidence] for j in judged if j] == stored


def test_two_pieces_about_one_payout_are_kept_in_their_order(ledger: Ledger) -> None:
    """
    Its reply and a notification in one batch: the later one is judged with the earlier one known.
    """
    (payout,) = several(ledger, 1)
    attempt = claimed(ledger, payout)
    seen: list[list[bytes]] = []

    def decide(dossier: object, _now: object) -> object:
        seen.append([e.answer.raw for e in dossier.evidence])  # type: ignore[attr-defined]
        return an_update(dossier.payout)  # type: ignore[attr-defined]

    reply = of_reply(
        Ending(attempt, AttemptOutcome.ANSWERED, "0000"), a_verified_answer(raw=b"reply")
    )
    notice = News(payout.id, told=Told(Source.NOTIFICATION, a_verified_answer(raw=b"notice")))
    ledger.take_in([reply, notice, notice], Judge(decide, "w", 3))  # type: ignore[arg-type]

    assert seen == [[b"reply"], [b"reply", b"notice"], [b"reply", b"notice"]]
    assert [e.source for e in ledger.dossier(payout.id).evidence] == [
        Source.REPLY,
        Source.NOTIFICATION,
    ]


def test_answers_that_do_not_verify_are_counted_over_a_batch(ledger: Ledger) -> None:
    """
    Three in a row stop the channel, though they come in one commit.
    """
    queued = several(ledger)

    def unsigned(payout: Payout) -> News:
        answer: Answer = a_verified_answer(verified=False, raw=str(payout.id).encode())
        return News(payout.id, told=Told(Source.QUERY, answer, asked_at=NOON))

    judge = a_judge(verified=(False,))
    ledger.take_in([unsigned(queued[0]), unsigned(queued[1])], judge)
    assert not ledger.channel(MERCHANT).is_paused

    ledger.take_in([unsigned(queued[2])], judge)
    assert ledger.channel(MERCHANT).is_paused


def test_a_fault_in_one_keeps_nothing_of_what_came_together(ledger: Ledger) -> None:
    """
    All of a commit or nothing: the caller keeps each alone.
    """
    queued = several(ledger)

    def decide(dossier: object, _now: object) -> object:
        if dossier.payout.id == queued[1].id:  # type: ignore[attr-defined]
            raise Fault
        return an_update(dossier.payout)  # type: ignore[attr-defined]

    told = Told(Source.QUERY, a_verified_answer(), asked_at=NOON)
    with pytest.raises(Fault):
        ledger.take_in(
            [News(payout.id, told=told) for payout in queued],
            Judge(decide, "w", 3),  # type: ignore[arg-type]
        )

    assert [ledger.dossier(payout.id).evidence for payout in queued] == [(), (), ()]
    assert [ledger.dossier(payout.id).payout for payout in queued] == queued


def test_no_more_is_claimed_than_the_pace_allows(ledger: Ledger, clock: VirtualClock) -> None:
    """
    One a second: the first goes at once, and each other one a second after the one before.
    """
    queued = several(ledger)
    claimant = replace(a_claimant(), pace=SLOW)

    one = ledger.claim(ids(queued), claimant)
    none = ledger.claim(ids(queued[1:]), claimant)
    clock.advance(seconds=0.999)
    early = ledger.claim(ids(queued[1:]), claimant)
    clock.advance(seconds=0.001)
    two = ledger.claim(ids(queued[1:]), claimant)

    assert [len(got.claims) for got in (one, none, early, two)] == [1, 0, 0, 1]
    waits = [got.held_back for got in (one, none, early)]
    assert waits == [timedelta(seconds=1), timedelta(seconds=1), timedelta(milliseconds=1)]
    assert [payout.id for payout in queued if ledger.dossier(payout.id).attempts] == ids(queued[:2])
    assert ledger.dossier(queued[2].id).payout == queued[2]


def test_what_was_not_claimed_costs_no_pace(ledger: Ledger) -> None:
    """
    A payout that may not be sent leaves the token to the next one.
    """
    first, second, _ = several(ledger)

    def decide(draft: Draft) -> str | None:
        return None if draft.dossier.payout.id == first.id else own_words(draft)

    claimant = replace(a_claimant(), pace=SLOW, decide=decide)

    assert ledger.claim([first.id], claimant).claims == ()
    assert len(ledger.claim([second.id], claimant).claims) == 1


def test_questions_have_a_pace_of_their_own(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Sends take nothing from it, and what it holds back stays due, the longest due first.
    """
    queued = several(ledger)
    for seconds, payout in enumerate(queued):
        applied(ledger, payout.id, next_query_at=NOON + timedelta(seconds=seconds))
    clock.advance(seconds=10)
    ledger.claim(ids(queued), replace(a_claimant(), pace=SLOW))

    asked = [due_queries(ledger, pace=SLOW)]
    asked.append(due_queries(ledger, pace=SLOW))
    clock.advance(seconds=1)
    asked.append(due_queries(ledger, pace=SLOW))

    assert asked == [[queued[0].id], [], [queued[1].id]]
    assert ledger.dossier(queued[2].id).payout.query_misses == 0


def test_each_merchant_has_a_pace_of_its_own(ledger: Ledger) -> None:
    """
    One that is at its pace holds no other back.
    """
    first, second, _ = several(ledger)
    claimant = replace(a_claimant(), pace=SLOW)

    assert len(ledger.claim([first.id], claimant).claims) == 1
    other = replace(claimant, customer_no="360080000000000002")
    assert len(ledger.claim([second.id], other).claims) == 1


def test_notifications_that_come_together_find_each_its_payout(ledger: Ledger) -> None:
    """
    Each is stored with the payout that it names, judged, and answered in its own place.
    """
    first, _, third = several(ledger)
    said = [a_verified_answer(number=n, raw=n.encode()) for n in ("P-3", "P-404", "P-1")]

    judged, orphaned, other = ledger.notify(MERCHANT, said, a_judge())

    assert isinstance(judged, Judged)
    assert isinstance(other, Judged)
    assert orphaned == Orphaned()
    assert (judged.dossier.payout.id, other.dossier.payout.id) == (third.id, first.id)
    kept = [ledger.dossier(payout.id).evidence for payout in ledger.payouts(None, 9)]
    assert [[piece.answer.raw for piece in pieces] for pieces in kept] == [[b"P-3"], [], [b"P-1"]]
    assert all(piece.applied_at for pieces in kept for piece in pieces)
    (case,) = ledger.cases(open_only=True, limit=9)
    assert (case.kind, case.out_trade_no) == (CaseKind.ORPHAN, "P-404")


def test_notifications_of_one_payout_follow_each_other(ledger: Ledger) -> None:
    """
    The second judge knows what the first one was told; what is identical is stored once.
    """
    (payout,) = several(ledger, 1)
    said = [a_verified_answer(raw=raw) for raw in (b"first", b"second", b"first")]

    results = ledger.notify(MERCHANT, said, a_judge())

    judged = [one for one in results if isinstance(one, Judged)]
    assert [[e.answer.raw for e in one.dossier.evidence] for one in judged] == [
        [b"first"],
        [b"first", b"second"],
        [b"first", b"second"],
    ]
    assert len(ledger.dossier(payout.id).evidence) == 2


def test_notifications_that_cannot_be_judged_together_leave_nothing(ledger: Ledger) -> None:
    """
    A fault about one of them: each is stored alone then, so that none is told to be kept and lost.
    """
    _, second = several(ledger, 2)

    def decide(dossier: Dossier, _now: datetime) -> Update:
        if dossier.payout.id == second.id:
            raise Fault
        return an_update(dossier.payout)

    said = [a_verified_answer(number=n, raw=n.encode()) for n in ("P-1", "P-2")]
    with pytest.raises(Fault):
        ledger.notify(MERCHANT, said, Judge(decide, "receiver", 9))

    assert [ledger.dossier(p.id).evidence for p in ledger.payouts(None, 9)] == [(), ()]


def test_notifications_without_a_judge_wait(ledger: Ledger) -> None:
    """
    Stored and not applied, for the sweep to come back to.
    """
    payouts = several(ledger, 2)
    said = [a_verified_answer(number=n, raw=n.encode()) for n in ("P-1", "P-2")]

    assert list(ledger.notify(MERCHANT, said)) == [None, None]
    assert ledger.find_unapplied(9) == ids(payouts)

"""
Two people decide on proof from outside: over every ledger, each step one transaction.
"""

from datetime import timedelta

import pytest

from tests.contract.samples import (
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    an_order,
    claimed,
    close_attempt,
    record,
)
from tests.contract.stories import cases_of, judged
from worker.payouts.errors import NoSuchProposal, NotAllowed
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.policy.obligation import may_keep_fen
from worker.payouts.proposal import End, OutsideProof
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.audit import Auditor
from worker.usecases.ports import Ledger

LAN, MEI = Person(1001, "lan"), Person(1002, "mei")
ROOT, SERVICE = Person(0, "root"), Person(990, "payouts")
NO_RESULT = Answer(verified=True, meaning=Meaning.NO_RESULT, code="NO_RESULT")
FAILED = OutsideProof(End.FAILED, 0, "JD-TICKET-1", "JD's support wrote so")


def ask(ledger: Ledger, clock: VirtualClock, payout_id: int, answer: Answer) -> Dossier:
    """
    What is known once JD has answered a question of this moment.
    """
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, Source.QUERY, answer, asked_at=clock.now)
    return judged(ledger, payout)


def without_an_end(ledger: Ledger, clock: VirtualClock, profile: str = "live") -> int:
    """
    A payout whose reply was lost, and of which JD has no result, two days on and just now.
    """
    terms = type(TERMS)(profile, TERMS.customer_no, TERMS.gateway_url, TERMS.notify_url)
    payout_id = accept(ledger, an_order(), terms)
    assert payout_id is not None
    attempt = claimed(ledger, ledger.dossier(payout_id).payout)
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    judged(ledger, ledger.dossier(payout_id).payout)
    clock.advance(hours=1)
    ask(ledger, clock, payout_id, NO_RESULT)
    clock.advance(hours=48)
    ask(ledger, clock, payout_id, NO_RESULT)
    for person in (LAN, MEI):
        ledger.add_person(person.uid, person.name, "cli:boss", "finance")
    return payout_id


def test_two_people_end_what_jd_never_tells(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Nothing moves at the first one's word; at the second's it has failed, and its cases are closed.
    """
    payout_id = without_an_end(ledger, clock)
    before = ledger.dossier(payout_id)

    proposal = ledger.propose(payout_id, FAILED, LAN)

    assert ledger.dossier(payout_id) == before
    assert (before.payout.status, [c.kind for c in before.open_cases]) == (
        PayoutStatus.UNKNOWN,
        [CaseKind.NO_RESULT],
    )
    clock.advance(minutes=1)
    approved = ledger.approve(proposal.id, MEI)

    after = ledger.dossier(payout_id)
    assert (after.payout.status, after.payout.reason) == (PayoutStatus.FAILED, Reason.DECIDED)
    assert (after.payout.finalized_at, after.payout.next_send_at) == (clock.now, None)
    assert (after.open_cases, after.decided) == ((), approved)
    assert (approved.approved_by, approved.unchecked) == (MEI, False)
    *_, move = ledger.history(payout_id)
    assert (move.to_status, move.actor) == (PayoutStatus.FAILED, "cli:mei (uid 1002)")
    (recorded,) = ledger.decisions(payout_id)
    assert (recorded.action, recorded.proposal_id) == (Action.DECIDE, proposal.id)
    assert "JD-TICKET-1" in recorded.why
    assert "cli:lan (uid 1001)" in recorded.why
    assert judged(ledger, after.payout).payout.status is PayoutStatus.FAILED
    assert Auditor(ledger, Limits()).audit().breaches == ()
    with pytest.raises(NotAllowed, match="approved already"):
        ledger.approve(proposal.id, LAN)


def test_the_debt_is_free_for_another(ledger: Ledger, clock: VirtualClock) -> None:
    """
    By the decision, and JD's answer of the last ten minutes, though that says nothing.
    """
    payout_id = without_an_end(ledger, clock)
    ledger.approve(ledger.propose(payout_id, FAILED, LAN).id, MEI)
    dossier = ledger.dossier(payout_id)
    assert may_keep_fen(dossier) == 0

    clock.advance(minutes=11)
    with pytest.raises(NotAllowed, match="asked anew"):
        ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "cli:lan", "not paid"))
    unlisted = Answer(verified=True, meaning=Meaning.UNCLEAR, code="SYSTEM_ERROR")
    dossier = ask(ledger, clock, payout_id, unlisted)
    ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "cli:lan", "not paid"))

    assert accept(ledger, an_order("P-2", obligation="P-1"), TERMS) is not None
    assert Auditor(ledger, Limits()).audit().breaches == ()


def test_a_part_that_came_back_is_paid_anew(ledger: Ledger, clock: VirtualClock) -> None:
    """
    By a bank's slip, of a trade that JD calls paid and then closed: no more than the slip says.
    """
    payout_id = without_an_end(ledger, clock)
    ask(ledger, clock, payout_id, a_verified_answer(trade_status=TradeStatus.FINI))
    closed = ask(ledger, clock, payout_id, a_verified_answer(trade_status=TradeStatus.CLOS))
    assert closed.payout.status is PayoutStatus.PAID
    slip = OutsideProof(End.RETURNED, 5_000, "SLIP1", "the bank's slip")

    ledger.approve(ledger.propose(payout_id, slip, LAN).id, MEI)

    dossier = ledger.dossier(payout_id)
    assert (dossier.payout.status, dossier.payout.returned_fen) == (PayoutStatus.PAID, 5_000)
    decision = may_replace(dossier, "cli:lan", "the rest")
    too_much = an_order("P-2", obligation="P-1", amount_fen=5_001)
    with pytest.raises(NotAllowed, match="at most 5000"):
        ledger.replace(dossier, decision, too_much, TERMS)
    part = an_order("P-2", obligation="P-1", amount_fen=5_000)
    assert ledger.replace(dossier, decision, part, TERMS)
    assert Auditor(ledger, Limits()).audit().breaches == ()


def test_what_jd_tells_between_the_two_voids_it(ledger: Ledger, clock: VirtualClock) -> None:
    """
    For good; its proof may be used again. What only repeats the answer before it tells nothing.
    """
    payout_id = without_an_end(ledger, clock)
    proposal = ledger.propose(payout_id, FAILED, LAN)
    ask(ledger, clock, payout_id, NO_RESULT)
    ask(ledger, clock, payout_id, a_verified_answer(trade_status=TradeStatus.WPAR))
    ask(ledger, clock, payout_id, NO_RESULT)

    void = ledger.approve(proposal.id, MEI)

    assert (void.approved_at, void.voided_at) == (None, clock.now)
    assert ledger.dossier(payout_id).payout.status is PayoutStatus.PROCESSING
    with pytest.raises(NotAllowed, match="void"):
        ledger.approve(proposal.id, MEI)
    again = ledger.propose(payout_id, FAILED, LAN)
    ask(ledger, clock, payout_id, NO_RESULT)
    assert ledger.approve(again.id, MEI).approved_at == clock.now


def test_evidence_that_is_not_judged_yet_keeps_it_waiting(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    Stored by a process that died: nobody has looked at it.
    """
    payout_id = without_an_end(ledger, clock)
    proposal = ledger.propose(payout_id, FAILED, LAN)
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, Source.QUERY, NO_RESULT, asked_at=clock.now)

    with pytest.raises(NotAllowed, match="just told"):
        ledger.approve(proposal.id, MEI)
    with pytest.raises(NotAllowed, match="just told"):
        ledger.propose(payout_id, FAILED, LAN)


def test_a_proof_is_used_once(ledger: Ledger, clock: VirtualClock) -> None:
    """
    For one payout, whether its decision counts or waits; a proposal instead of it frees it.
    """
    payout_id = without_an_end(ledger, clock)
    other = accept(ledger, an_order("P-9"), TERMS)
    assert other is not None
    attempt = claimed(ledger, ledger.dossier(other).payout)
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    judged(ledger, ledger.dossier(other).payout)
    clock.advance(hours=25)
    for one in (payout_id, other):
        ask(ledger, clock, one, NO_RESULT)
    first = ledger.propose(payout_id, FAILED, LAN)

    with pytest.raises(NotAllowed, match="another decision"):
        ledger.propose(other, FAILED, LAN)
    instead = OutsideProof(End.PAID, 0, "JD-TICKET-2", "paid, they say now")
    ledger.propose(payout_id, instead, LAN)
    assert ledger.proposal(first.id).voided_why == "another was proposed instead"
    assert ledger.propose(other, FAILED, LAN).waits
    assert len(ledger.proposals(waiting_only=True, limit=9)) == 2
    assert len(ledger.proposals(waiting_only=False, limit=9)) == 3


def test_who_may_approve(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Another registered person alone; neither root, nor as whom a worker runs, nor a second login.
    """
    payout_id = without_an_end(ledger, clock)
    ledger.note_service(SERVICE.uid)
    ledger.note_service(SERVICE.uid)
    ledger.add_person(SERVICE.uid, SERVICE.name, "cli:boss", "by mistake")
    proposal = ledger.propose(payout_id, FAILED, LAN)

    for one in (LAN, ROOT, SERVICE, Person(1003, "tao"), Person(MEI.uid, "mei", LAN.uid)):
        with pytest.raises(NotAllowed, match="approve"):
            ledger.approve(proposal.id, one)
    assert ledger.proposal(proposal.id).waits
    for one in (ROOT, SERVICE):
        proposal = ledger.propose(payout_id, FAILED, one)
    with pytest.raises(NotAllowed, match="no registered user"):
        ledger.propose(payout_id, FAILED, Person(1003, "tao"))
    ledger.remove_person(MEI.uid, "cli:boss", "left")
    with pytest.raises(NotAllowed, match="approve"):
        ledger.approve(proposal.id, MEI)
    ledger.add_person(MEI.uid, MEI.name, "cli:boss", "back")
    assert ledger.approve(proposal.id, MEI).approved_at == clock.now


def test_in_the_sandbox_one_person_does_both_and_the_record_says_so(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    On a laptop there is one user, who runs the worker as well.
    """
    payout_id = without_an_end(ledger, clock, "sandbox")

    approved = ledger.approve(ledger.propose(payout_id, FAILED, ROOT).id, ROOT)

    assert approved.unchecked
    (recorded,) = ledger.decisions(payout_id)
    assert "in the sandbox profile" in recorded.why


def test_higher_evidence_still_wins(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Decided as failed, and JD says paid: it is paid, a case opens, and nothing is free any more.
    """
    payout_id = without_an_end(ledger, clock)
    ledger.approve(ledger.propose(payout_id, FAILED, LAN).id, MEI)

    after = ask(ledger, clock, payout_id, a_verified_answer(trade_status=TradeStatus.FINI))

    assert after.payout.status is PayoutStatus.PAID
    assert [case.kind for case in after.open_cases] == [CaseKind.CONTRADICTION]
    assert may_keep_fen(after) == 12_345
    with pytest.raises(NotAllowed):
        decide(Action.RELEASE, after, "cli:lan", "not paid")


def test_lower_evidence_against_it_opens_a_case(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Decided as failed, and JD works on it: the status stays, and the debt is not free.
    """
    payout_id = without_an_end(ledger, clock)
    ledger.approve(ledger.propose(payout_id, FAILED, LAN).id, MEI)
    repeated = ask(ledger, clock, payout_id, NO_RESULT)
    assert (repeated.open_cases, may_keep_fen(repeated)) == ((), 0)

    after = ask(ledger, clock, payout_id, a_verified_answer(trade_status=TradeStatus.WPAR))

    assert after.payout.status is PayoutStatus.FAILED
    assert [case.kind for case in after.open_cases] == [CaseKind.CONTRADICTION]
    assert may_keep_fen(after) == 12_345
    clock.advance(hours=1)
    ledger.close_case(after.open_cases[0], "cli:lan", "asked JD")
    seen = ask(ledger, clock, payout_id, a_verified_answer(trade_status=TradeStatus.WPAR))
    assert seen.open_cases == ()
    again = OutsideProof(End.FAILED, 0, "JD-TICKET-2", "they looked again")
    ledger.approve(ledger.propose(payout_id, again, LAN).id, MEI)
    assert may_keep_fen(ledger.dossier(payout_id)) == 0
    assert len(cases_of(ledger, payout_id)) == 2


def test_it_waits_for_a_day_and_a_fresh_answer(ledger: Ledger, clock: VirtualClock) -> None:
    """
    JD's own word comes first: the refusal says from when.
    """
    payout_id = accept(ledger, an_order(), TERMS)
    assert payout_id is not None
    attempt = claimed(ledger, ledger.dossier(payout_id).payout)
    with pytest.raises(NotAllowed, match="a worker has it"):
        ledger.propose(payout_id, FAILED, ROOT)
    ended = clock.advance(minutes=1)
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    judged(ledger, ledger.dossier(payout_id).payout)
    clock.now = ended + timedelta(hours=24) - timedelta(seconds=1)
    ask(ledger, clock, payout_id, NO_RESULT)
    with pytest.raises(NotAllowed) as early:
        ledger.propose(payout_id, FAILED, ROOT)
    assert early.value.possible_from == ended + timedelta(hours=24)

    clock.advance(seconds=1)
    proposal = ledger.propose(payout_id, FAILED, ROOT)
    clock.advance(minutes=10)
    with pytest.raises(NotAllowed, match="asked anew"):
        ledger.approve(proposal.id, MEI)
    ask(ledger, clock, payout_id, Answer(verified=False, meaning=Meaning.NO_RESULT))
    with pytest.raises(NotAllowed, match="asked anew"):
        ledger.approve(proposal.id, MEI)
    ask(ledger, clock, payout_id, NO_RESULT)
    assert ledger.approve(proposal.id, MEI).approved_at == clock.now


@pytest.mark.parametrize(
    ("told", "proof", "why"),
    [
        (TradeStatus.FINI, FAILED, "--as returned"),
        (TradeStatus.REFU, OutsideProof(End.PAID, 0, "X", ""), "takes back"),
        (TradeStatus.FINI, OutsideProof(End.PAID, 5, "X", ""), "goes with"),
        (TradeStatus.FINI, OutsideProof(End.RETURNED, 12_346, "X", ""), "12345"),
        (TradeStatus.FINI, OutsideProof(End.RETURNED, 0, "X", ""), "12345"),
    ],
)
def test_what_cannot_be_decided(
    ledger: Ledger, clock: VirtualClock, told: TradeStatus, proof: OutsideProof, why: str
) -> None:
    """
    No decision takes back what JD has told, or returns more than was paid.
    """
    payout_id = without_an_end(ledger, clock)
    fen = 12_345 if told is TradeStatus.REFU else None
    ask(ledger, clock, payout_id, a_verified_answer(trade_status=told, refund_fen=fen))

    with pytest.raises(NotAllowed, match=why):
        ledger.propose(payout_id, proof, LAN)


def test_what_never_was_with_jd_one_person_ends(ledger: Ledger, clock: VirtualClock) -> None:
    """
    It is withdrawn, which proves more than any letter.
    """
    payout_id = accept(ledger, an_order(), TERMS)
    assert payout_id is not None
    clock.advance(hours=25)

    with pytest.raises(NotAllowed, match="payouts cancel"):
        ledger.propose(payout_id, FAILED, ROOT)
    with pytest.raises(NoSuchProposal):
        ledger.approve(7, MEI)


def test_a_return_that_follows_what_was_decided_as_paid_is_a_return(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    Nothing speaks against the decision; what came back is what JD's latest answer says.
    """
    payout_id = without_an_end(ledger, clock)
    paid = OutsideProof(End.PAID, 0, "SLIP-1", "the bank's slip")
    ledger.approve(ledger.propose(payout_id, paid, LAN).id, MEI)
    assert ledger.dossier(payout_id).payout.status is PayoutStatus.PAID
    back = a_verified_answer(trade_status=TradeStatus.REFU, refund_fen=12_345)

    after = ask(ledger, clock, payout_id, back)

    assert (after.payout.status, after.open_cases) == (PayoutStatus.RETURNED, ())
    assert may_keep_fen(after) == 0


def test_a_proposal_is_declined(ledger: Ledger, clock: VirtualClock) -> None:
    """
    It never counts, and its proof may be used again; who did it, and why, is kept.
    """
    payout_id = without_an_end(ledger, clock)
    first = ledger.propose(payout_id, FAILED, ROOT)
    with pytest.raises(NotAllowed, match="no registered user"):
        ledger.decline(first.id, Person(1003, "tao"), "mine now")

    declined = ledger.decline(first.id, MEI, "the slip is another payout's")

    assert declined.voided_at == clock.now
    assert declined.voided_why == f"{MEI.who} declined it: the slip is another payout's"
    assert ledger.proposals(waiting_only=True, limit=9) == []
    for late in (ledger.approve, lambda n, who: ledger.decline(n, who, "again")):
        with pytest.raises(NotAllowed, match="void"):
            late(first.id, MEI)
    assert ledger.propose(payout_id, FAILED, ROOT).waits

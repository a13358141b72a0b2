"""
What people decide: moved, recorded with who and why, and never over someone else's write.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.contract.samples import (
    MERCHANT,
    NOON,
    VirtualClock,
    a_verified_answer,
    accepted,
    applied,
    in_review,
    recorded,
)
from tests.contract.stories import cases_of, judged, refused, stale, withdrawn
from tests.contract.test_races import at_once
from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.evidence import Source
from worker.payouts.model import CaseKind, Dossier
from worker.payouts.policy.actions import Action, Recorded, decide
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import CaseNote
from worker.usecases.ports import Ledger


def decided(ledger: Ledger, action: Action, dossier: Dossier) -> Dossier:
    """
    What is known after an action that was legal.
    """
    ledger.carry_out(dossier, decide(action, dossier, "cli:mei", "asked to"))
    return ledger.dossier(dossier.payout.id)


def test_a_decision_is_written_down(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Who, why, what and when; and nothing else of the payout's changes but what the action says.
    """
    dossier = ledger.dossier(accepted(ledger).id)
    now = clock.advance(minutes=5)

    payout = decided(ledger, Action.CANCEL, dossier).payout

    assert (payout.status, payout.reason) == (PayoutStatus.CANCELLED, Reason.CANCELLED)
    assert (payout.version, payout.updated_at, payout.finalized_at) == (2, now, now)
    assert payout.next_send_at is None
    (recorded,) = ledger.decisions(payout.id)
    assert recorded == Recorded(
        recorded.id, Action.CANCEL, "cli:mei", "asked to", now, payout_id=payout.id
    )
    *_, move = ledger.history(payout.id)
    assert (move.from_status, move.to_status) == (PayoutStatus.QUEUED, PayoutStatus.CANCELLED)
    assert (move.actor, move.reason, move.evidence_id) == ("cli:mei", Reason.CANCELLED, None)


def test_letting_go_starts_the_time_anew_and_closes_the_case(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    It is due at once, its day begins again, and it is not held for the old reason.
    """
    dossier = stale(ledger, clock)
    (case,) = dossier.open_cases

    after = decided(ledger, Action.LET_GO, dossier)

    assert (dossier.payout.status, case.kind) == (PayoutStatus.HELD, CaseKind.STALE)
    payout = after.payout
    assert (payout.status, payout.reason) == (PayoutStatus.QUEUED, Reason.LET_GO)
    assert (payout.let_go_at, payout.next_send_at) == (clock.now, clock.now)
    assert after.open_cases == ()
    assert cases_of(ledger, payout.id)[0].closed_at == clock.now
    assert [d.case_id for d in ledger.decisions(payout.id)] == [case.id]
    clock.advance(hours=23)
    assert judged(ledger, payout).payout.status is PayoutStatus.QUEUED


def test_withdrawing_what_is_held_closes_the_case(ledger: Ledger, clock: VirtualClock) -> None:
    """
    The other answer to a stale payout.
    """
    after = decided(ledger, Action.CANCEL, stale(ledger, clock))

    assert (after.payout.status, after.open_cases) == (PayoutStatus.CANCELLED, ())


def test_letting_go_what_was_reviewed_puts_it_into_the_queue(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    Days later, and past its job's own time: due at once, its time begins anew, the case is closed.
    """
    dossier = in_review(ledger, send_before=NOON + timedelta(hours=1))
    (case,) = dossier.open_cases
    now = clock.advance(hours=72)

    after = decided(ledger, Action.LET_GO, dossier)

    payout = after.payout
    assert (payout.status, payout.reason) == (PayoutStatus.QUEUED, Reason.LET_GO)
    assert (payout.let_go_at, payout.next_send_at, after.open_cases) == (now, now, ())
    assert ledger.decisions(payout.id)[-1].case_id == case.id
    assert list(ledger.find_due_sends(MERCHANT, 10)) == [payout.id]
    again = judged(ledger, payout)
    assert (again.payout.status, again.open_cases) == (PayoutStatus.QUEUED, ())


def test_withdrawing_what_is_in_review_ends_it(ledger: Ledger) -> None:
    """
    The other answer: nothing is ever sent, and the case is closed.
    """
    after = decided(ledger, Action.CANCEL, in_review(ledger))

    assert (after.payout.status, after.open_cases) == (PayoutStatus.CANCELLED, ())
    assert judged(ledger, after.payout).open_cases == ()


def test_lateness_adds_no_case_to_what_is_in_review(ledger: Ledger, clock: VirtualClock) -> None:
    """
    One case says why it is held, so that one decision closes all that holds it.
    """
    payout = in_review(ledger).payout
    clock.advance(hours=72)

    dossier = judged(ledger, payout)

    assert dossier.payout.status is PayoutStatus.HELD
    assert [case.kind for case in dossier.open_cases] == [CaseKind.REVIEW]
    assert decided(ledger, Action.LET_GO, dossier).open_cases == ()


def test_sending_again_makes_it_due(ledger: Ledger, clock: VirtualClock) -> None:
    """
    The status stands: a worker claims it, under all its guards.
    """
    dossier = refused(ledger)

    after = decided(ledger, Action.RESEND, dossier).payout

    assert (dossier.payout.next_send_at, after.next_send_at) == (None, clock.now)
    assert after.status is PayoutStatus.REFUSED
    assert len(ledger.history(after.id)) == 3


def test_giving_up_rests_on_the_refusal(ledger: Ledger, clock: VirtualClock) -> None:
    """
    The move names the person and JD's refusal; nothing more is sent.
    """
    dossier = decided(ledger, Action.RESEND, refused(ledger))
    (refusal,) = dossier.evidence
    now = clock.advance(minutes=1)

    payout = decided(ledger, Action.FAIL, dossier).payout

    assert (payout.status, payout.reason) == (PayoutStatus.FAILED, Reason.FAILED_BY_HAND)
    assert (payout.next_send_at, payout.finalized_at, payout.exposed) == (None, now, False)
    *_, move = ledger.history(payout.id)
    assert (move.evidence_id, move.learnt_from) == (refusal.id, Source.REPLY)
    assert ledger.decisions(payout.id)[-1].proof == (refusal.id,)
    assert judged(ledger, payout).payout.status is PayoutStatus.FAILED


def test_releasing_frees_the_obligation_once(ledger: Ledger) -> None:
    """
    Another payout may pay it then; to free it again would free what that one holds.
    """
    dossier = withdrawn(ledger, accepted(ledger, obligation="SALARY-7"))

    after = decided(ledger, Action.RELEASE, dossier)

    assert ledger.holders_of("SALARY-7") == []
    assert accepted(ledger, "P-2", obligation="SALARY-7")
    with pytest.raises(NotAllowed, match="freed before"):
        decided(ledger, Action.RELEASE, after)
    (holder,) = ledger.holders_of("SALARY-7")
    assert holder.out_trade_no == "P-2"
    assert [d.action for d in ledger.decisions(after.payout.id)] == [Action.CANCEL, Action.RELEASE]


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda ledger, payout: recorded(ledger, payout.id),
        lambda ledger, payout: applied(ledger, payout.id),
        withdrawn,
    ],
)
def test_a_decision_about_what_has_changed_is_refused(
    ledger: Ledger, meanwhile: Callable[..., object]
) -> None:
    """
    Evidence, a judging or another operator came first: nothing is written.
    """
    dossier = ledger.dossier(accepted(ledger).id)
    decision = decide(Action.CANCEL, dossier, "cli:mei", "asked to")
    meanwhile(ledger, dossier.payout)
    before = (ledger.dossier(dossier.payout.id), ledger.decisions(dossier.payout.id))

    with pytest.raises(StaleTransition):
        ledger.carry_out(dossier, decision)

    assert (ledger.dossier(dossier.payout.id), ledger.decisions(dossier.payout.id)) == before


def test_a_case_is_closed_once(ledger: Ledger) -> None:
    """
    Who looked, and why that settles it, is kept; the payout's version rises with it.
    """
    payout = accepted(ledger)
    before = applied(ledger, payout.id, cases=(CaseNote(CaseKind.NO_RESULT),))
    (case,) = ledger.dossier(payout.id).open_cases

    ledger.close_case(case, "cli:mei", "JD says so")

    after = ledger.dossier(payout.id)
    assert (after.open_cases, after.payout.version) == ((), before.version + 1)
    (recorded,) = ledger.decisions(payout.id)
    assert (recorded.action, recorded.case_id) == (Action.RESOLVE, case.id)
    assert (recorded.who, recorded.why) == ("cli:mei", "JD says so")
    with pytest.raises(StaleTransition):
        ledger.close_case(case, "cli:tao", "again")
    assert len(ledger.decisions(payout.id)) == 1


def test_an_orphan_is_closed_too(ledger: Ledger) -> None:
    """
    It belongs to no payout, so no version rises.
    """
    ledger.notify(MERCHANT, [a_verified_answer(number="P-404")])
    (case,) = ledger.cases(open_only=True, limit=10)

    ledger.close_case(case, "cli:mei", "found in JD's console")

    assert ledger.cases(open_only=True, limit=10) == []


def test_one_of_two_operators_decides(ledger: Ledger, clock: VirtualClock) -> None:
    """
    One lets it go, the other withdraws it, a third only looks: one of them wins, and is recorded.
    """
    held = [stale(ledger, clock, f"P-{number}") for number in range(10)]

    def act(operator: int, dossier: Dossier) -> bool:
        try:
            if operator == 2:
                ledger.close_case(dossier.open_cases[0], "cli:lan", "seen")
            else:
                action = (Action.LET_GO, Action.CANCEL)[operator]
                ledger.carry_out(dossier, decide(action, dossier, "cli:mei", "asked to"))
        except StaleTransition:
            return False
        return True

    got = at_once(3, lambda operator: [act(operator, dossier) for dossier in held])

    assert [wins.count(True) for wins in zip(*got, strict=True)] == [1] * len(held)
    for dossier in held:
        assert len(ledger.decisions(dossier.payout.id)) == 1
        assert ledger.dossier(dossier.payout.id).open_cases == ()


def test_a_closed_case_knows_the_decision_that_closed_it(ledger: Ledger) -> None:
    """
    One about a number that we do not have, too; while it is open there is none.
    """
    ledger.notify(MERCHANT, [a_verified_answer(number="P-404")])
    (case,) = ledger.cases(open_only=True, limit=1)
    before = ledger.closing(case.id)
    ledger.close_case(case, "cli:mei", "found in the old database")

    decision = ledger.closing(case.id)

    assert before is None
    assert decision is not None
    assert (decision.who, decision.why, decision.payout_id) == (
        "cli:mei",
        "found in the old database",
        None,
    )

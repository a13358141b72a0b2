"""
What people decide leaves no invariant broken, over every ledger.
"""

from collections.abc import Callable

import pytest

from tests.contract.samples import (
    TERMS,
    VirtualClock,
    a_verified_answer,
    accepted,
    an_order,
)
from tests.contract.stories import (
    LIMITS,
    asked,
    cases_of,
    judged,
    partly_returned,
    refused,
    replied,
    stale,
    withdrawn,
)
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.invariants import of_payout
from worker.payouts.model import CaseKind, Dossier
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.status import PayoutStatus
from worker.usecases.ports import Ledger

Story = Callable[[Ledger, VirtualClock], PayoutStatus]


def decided(ledger: Ledger, action: Action, dossier: Dossier) -> Dossier:
    """
    What is known after an action, judged once more as the sweep may do at any time.
    """
    ledger.carry_out(dossier, decide(action, dossier, "cli:mei", "asked to"))
    return judged(ledger, dossier.payout)


def replaced(ledger: Ledger, dossier: Dossier, amount_fen: int) -> Dossier:
    """
    The payout that pays instead of another.
    """
    order = an_order("P-2", obligation=dossier.payout.obligation, amount_fen=amount_fen)
    new_id = ledger.replace(dossier, may_replace(dossier, "cli:mei", "asked to"), order, TERMS)
    judged(ledger, dossier.payout)
    return ledger.dossier(new_id)


def let_go_and_paid(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    Too late, let go, then sent and paid.
    """
    dossier = decided(ledger, Action.LET_GO, stale(ledger, clock))
    paid = a_verified_answer(trade_status=TradeStatus.FINI)
    return replied(ledger, dossier.payout, paid).payout.status


def let_go_and_too_late_again(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    Let go, and still not sent a day later: held with a case once more, and withdrawn.
    """
    dossier = decided(ledger, Action.LET_GO, stale(ledger, clock))
    clock.advance(hours=24, minutes=1)
    again = judged(ledger, dossier.payout)
    assert [case.kind for case in again.open_cases] == [CaseKind.STALE]
    return decided(ledger, Action.CANCEL, again).payout.status


def refused_and_given_up(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    Ended by a person, confirmed by a query, its obligation freed.
    """
    dossier = decided(ledger, Action.FAIL, refused(ledger))
    clock.advance(minutes=10)
    not_found = Answer(verified=True, meaning=Meaning.NOT_FOUND, code="TRADE_NOT_EXIST", raw=b"-")
    dossier = asked(ledger, clock, dossier.payout, not_found)
    return decided(ledger, Action.RELEASE, dossier).payout.status


def given_up_and_under_way(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    JD works on what it refused: that opens a case, and what the person said stands meanwhile.
    """
    dossier = decided(ledger, Action.FAIL, refused(ledger))
    clock.advance(minutes=10)
    dossier = asked(ledger, clock, dossier.payout, a_verified_answer())
    assert [case.kind for case in dossier.open_cases] == [CaseKind.CONTRADICTION]
    return dossier.payout.status


def given_up_and_paid(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    JD paid what it refused: its word is higher than the person's.
    """
    dossier = decided(ledger, Action.FAIL, refused(ledger))
    clock.advance(minutes=10)
    paid = a_verified_answer(trade_status=TradeStatus.FINI)
    return asked(ledger, clock, dossier.payout, paid).payout.status


def withdrawn_freed_and_paid_by_another(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    Withdrawn and freed; a new job pays the obligation.
    """
    dossier = withdrawn(ledger, accepted(ledger))
    decided(ledger, Action.RELEASE, dossier)
    return accepted(ledger, "P-2", obligation="P-1").status


def withdrawn_and_replaced(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    Withdrawn, and replaced in one step.
    """
    dossier = withdrawn(ledger, accepted(ledger))
    return replaced(ledger, dossier, dossier.payout.amount_fen).payout.status


def replaced_after_a_partial_return(ledger: Ledger, clock: VirtualClock) -> PayoutStatus:
    """
    A part came back and is paid again.
    """
    dossier = partly_returned(ledger, clock, accepted(ledger), refund_fen=45)
    return replaced(ledger, dossier, 45).payout.status


@pytest.mark.parametrize(
    ("story", "end"),
    [
        (let_go_and_paid, PayoutStatus.PAID),
        (let_go_and_too_late_again, PayoutStatus.CANCELLED),
        (refused_and_given_up, PayoutStatus.FAILED),
        (given_up_and_under_way, PayoutStatus.FAILED),
        (given_up_and_paid, PayoutStatus.PAID),
        (withdrawn_freed_and_paid_by_another, PayoutStatus.QUEUED),
        (withdrawn_and_replaced, PayoutStatus.QUEUED),
        (replaced_after_a_partial_return, PayoutStatus.QUEUED),
    ],
)
def test_no_decision_breaks_an_invariant(
    ledger: Ledger, clock: VirtualClock, story: Story, end: PayoutStatus
) -> None:
    """
    Each story ends as it should, and the audit finds nothing in any of its payouts.
    """
    assert story(ledger, clock) is end

    for payout in ledger.payouts(None, 10):
        dossier, history = ledger.dossier(payout.id), ledger.history(payout.id)
        cases = cases_of(ledger, payout.id)
        assert list(of_payout(dossier, history, cases, clock.now, LIMITS)) == []

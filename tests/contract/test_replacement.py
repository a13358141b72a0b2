"""
Another payout for the same obligation: both written or neither, and never more than is owed.
"""

from typing import Any

import pytest

from tests.contract.samples import (
    NOON,
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    recorded,
    try_claim,
)
from tests.contract.stories import asked, judged, partly_returned, withdrawn
from tests.contract.test_races import at_once
from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.evidence import TradeStatus
from worker.payouts.model import CaseKind, Dossier, Payout
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.ports import Ledger

OWED = "SALARY-7"


def owing(ledger: Ledger, number: str = "P-1", amount_fen: int = 10_000) -> Payout:
    """
    A payout that was accepted for the obligation.
    """
    return accepted(ledger, number, obligation=OWED, amount_fen=amount_fen)


def replaced(ledger: Ledger, dossier: Dossier, number: str = "P-2", **changes: Any) -> Payout:
    """
    The payout that pays instead.
    """
    order = an_order(number, **{"obligation": OWED, "amount_fen": 10_000} | changes)
    decision = may_replace(dossier, "cli:mei", "right card")
    return ledger.dossier(ledger.replace(dossier, decision, order, TERMS)).payout


def test_the_new_payout_holds_the_obligation(ledger: Ledger, clock: VirtualClock) -> None:
    """
    It is queued and due, the decision names both, and both are told of it.
    """
    old = withdrawn(ledger, owing(ledger))
    now = clock.advance(minutes=5)

    new = replaced(ledger, old)

    assert (new.status, new.next_send_at, new.accepted_at) == (PayoutStatus.QUEUED, now, now)
    (holder,) = ledger.holders_of(OWED)
    assert holder.id == new.id
    *_, decision = ledger.decisions(old.payout.id)
    assert (decision.action, decision.replaced_by) == (Action.REPLACE, new.id)
    assert (decision.who, decision.why, decision.at) == ("cli:mei", "right card", now)
    assert ledger.decisions(new.id) == [decision]
    assert [move.to_status for move in ledger.history(new.id)] == [PayoutStatus.QUEUED]
    assert ledger.dossier(old.payout.id).payout.version == old.payout.version + 1


def test_a_replacement_may_need_review_as_any_payout(ledger: Ledger) -> None:
    """
    It holds the obligation, and is held itself, with its case; the old one's decision names it.
    """
    old = withdrawn(ledger, owing(ledger))
    order = an_order("P-2", obligation=OWED, amount_fen=10_000)
    decision = may_replace(old, "cli:mei", "right card")

    new = ledger.dossier(ledger.replace(old, decision, order, TERMS, for_review=True))

    assert (new.payout.status, new.payout.reason) == (PayoutStatus.HELD, Reason.REVIEW)
    assert new.payout.next_send_at is None
    assert [case.kind for case in new.open_cases] == [CaseKind.REVIEW]
    (holder,) = ledger.holders_of(OWED)
    assert holder.id == new.payout.id
    assert ledger.decisions(old.payout.id)[-1].replaced_by == new.payout.id


def test_what_came_back_is_paid_again_and_settles_the_case(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    4,000 of 10,000 came back: 4,000 may be paid, on the query's word.
    """
    old = partly_returned(ledger, clock, owing(ledger), refund_fen=4_000)

    new = replaced(ledger, old, amount_fen=4_000)

    *_, decision = ledger.decisions(old.payout.id)
    assert decision.proof == (old.evidence[-1].id,)
    assert decision.case_id == old.open_cases[0].id
    after = ledger.dossier(old.payout.id)
    assert (after.open_cases, after.payout.status) == ((), PayoutStatus.PAID)
    assert judged(ledger, after.payout).open_cases == ()
    assert new.amount_fen == 4_000


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"amount_fen": 10_001}, "amount_fen: must be at most 10000"),
        ({"obligation": "SALARY-8"}, "obligation: must be the old payout's"),
        ({"number": "P-1"}, "out_trade_no: must be new"),
        ({"number": "P-9"}, "out_trade_no: another payout has this number"),
        ({"send_before": NOON}, "send_before: this moment has passed"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    ledger: Ledger, clock: VirtualClock, changes: dict[str, Any], fault: str
) -> None:
    """
    The old payout keeps its obligation, and no decision is written.
    """
    accepted(ledger, "P-9")
    old = withdrawn(ledger, owing(ledger))
    clock.advance(minutes=5)

    with pytest.raises(NotAllowed, match=fault):
        replaced(ledger, old, **changes)

    assert ledger.dossier(old.payout.id) == old
    assert [d.action for d in ledger.decisions(old.payout.id)] == [Action.CANCEL]
    (holder,) = ledger.holders_of(OWED)
    assert holder.id == old.payout.id
    assert len(ledger.payouts(None, 10)) == 2


def test_all_that_does_not_fit_is_told_at_once(ledger: Ledger) -> None:
    """
    Nobody has to try again to learn of the next fault.
    """
    old = withdrawn(ledger, owing(ledger))

    with pytest.raises(NotAllowed) as refusal:
        replaced(ledger, old, "P-1", amount_fen=10_001, obligation="SALARY-8")

    faults = str(refusal.value).split("; ")
    assert [fault.partition(":")[0] for fault in faults] == [
        "out_trade_no",
        "obligation",
        "amount_fen",
    ]


def test_a_part_is_replaced_by_at_most_that_part(ledger: Ledger, clock: VirtualClock) -> None:
    """
    6,000 stayed with the payee: 4,001 more would be one too many.
    """
    old = partly_returned(ledger, clock, owing(ledger), refund_fen=4_000)

    with pytest.raises(NotAllowed, match="at most 4000"):
        replaced(ledger, old, amount_fen=4_001)


def test_a_replaced_payout_is_not_replaced_again(ledger: Ledger) -> None:
    """
    Its obligation is another's to pay now.
    """
    old = withdrawn(ledger, owing(ledger))
    replaced(ledger, old)
    after = ledger.dossier(old.payout.id)

    with pytest.raises(NotAllowed, match="at most 0 fen"):
        replaced(ledger, after, "P-3")


def test_what_was_paid_in_part_is_never_freed_whole(ledger: Ledger, clock: VirtualClock) -> None:
    """
    The replacement of a part was withdrawn: what is kept of the first still counts.
    """
    replacement = replaced(
        ledger, partly_returned(ledger, clock, owing(ledger), refund_fen=4_000), amount_fen=4_000
    )
    dossier = withdrawn(ledger, replacement)

    ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "cli:mei", "wrong again"))

    assert accept(ledger, an_order("P-3", obligation=OWED, amount_fen=4_001)) is None
    assert accept(ledger, an_order("P-3", obligation=OWED, amount_fen=4_000)) is not None


def test_a_payout_that_was_freed_and_paid_after_all_counts(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    JD closed it twice a day apart, and then paid it: nothing of it is left to be paid instead.
    """
    old = owing(ledger)
    closed = a_verified_answer(amount_fen=10_000, trade_status=TradeStatus.CLOS)
    try_claim(ledger, old)
    asked(ledger, clock, old, closed)
    clock.advance(hours=24)
    new = replaced(ledger, asked(ledger, clock, old, closed))
    paid = a_verified_answer(amount_fen=10_000, trade_status=TradeStatus.FINI, raw=b"paid")
    assert asked(ledger, clock, old, paid).payout.status is PayoutStatus.PAID
    dossier = withdrawn(ledger, new)

    with pytest.raises(NotAllowed, match="at most 0 fen"):
        replaced(ledger, dossier, "P-3", amount_fen=1)
    ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "cli:mei", "try again"))
    assert accept(ledger, an_order("P-3", obligation=OWED, amount_fen=1)) is None


def test_what_has_changed_is_not_replaced(ledger: Ledger) -> None:
    """
    Evidence came between the look and the decision: nothing is written.
    """
    old = withdrawn(ledger, owing(ledger))
    recorded(ledger, old.payout.id)

    with pytest.raises(StaleTransition):
        replaced(ledger, old)

    assert [p.id for p in ledger.payouts(None, 10)] == [old.payout.id]


def test_one_of_many_replacements_is_accepted(ledger: Ledger) -> None:
    """
    Six operators at once: one payout pays instead.
    """
    old = withdrawn(ledger, owing(ledger))

    def act(number: int) -> bool:
        try:
            replaced(ledger, old, f"P-2{number}")
        except (StaleTransition, NotAllowed):
            return False
        return True

    assert at_once(6, act).count(True) == 1
    assert len(ledger.payouts(None, 10)) == 2
    assert [d.action for d in ledger.decisions(old.payout.id)] == [Action.CANCEL, Action.REPLACE]

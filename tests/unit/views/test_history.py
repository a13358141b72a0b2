"""
One payout's history, merged from what the ledger keeps apart.
"""

from datetime import datetime
from typing import Any

from tests.factories import (
    AMOUNT,
    a_case,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_trade,
    an_answer,
    at,
)
from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.model import CaseKind, Transition
from worker.payouts.policy.actions import Action, Recorded
from worker.payouts.status import PayoutStatus, Reason
from worker.views.history import merge

FINI = a_trade(TradeStatus.FINI)
PART = a_trade(TradeStatus.REFU, refund_fen=4_000)
NUMBERS = {1: "P-1", 2: "P-2"}


def a_move(
    id_: int, to: PayoutStatus, reason: Reason, when: datetime, **changes: Any
) -> Transition:
    """
    A move of payout 1, from `sending` unless it is the first.
    """
    was = PayoutStatus.SENDING if id_ > 1 else None
    return Transition(id_, 1, was, to, reason, "worker", when, **changes)


def a_decision(id_: int, action: Action, when: datetime, **changes: Any) -> Recorded:
    """
    What mei decided about payout 1.
    """
    fields: dict[str, Any] = {"payout_id": 1} | changes
    return Recorded(id_, action, "cli:mei", "as agreed", when, **fields)


def test_all_is_told_in_one_order() -> None:
    """
    Accepted, paid, a part came back, a case, and a person has another payout pay that part.
    """
    payout = a_payout(PayoutStatus.PAID)
    entries = merge(
        a_dossier(payout, a_query(FINI, 1), a_notification(PART, 60)),
        [
            a_move(1, PayoutStatus.QUEUED, Reason.ACCEPTED, at(0)),
            a_move(2, PayoutStatus.PAID, Reason.PAID, at(1), learnt_from=Source.QUERY),
        ],
        [a_case(CaseKind.PARTIAL_RETURN, id=7, opened_at=at(60), closed_at=at(90))],
        [a_decision(3, Action.REPLACE, at(90), case_id=7, replaced_by=2)],
        NUMBERS,
    )

    assert [(entry.at, entry.kind.value) for entry in entries] == [
        (at(0), "moved"),
        (at(1), "moved"),
        (at(60), "returned"),
        (at(60), "case_opened"),
        (at(90), "replaced"),
        (at(90), "case_closed"),
    ]
    assert [entry.told for entry in entries] == [
        "queued: accepted",
        "sending -> paid: paid, learnt from a query",
        "JD says that 40.00 of 123.45 yuan came back so far",
        "case 7 opened: a part of the amount came back",
        "replaced by P-2 (payout 2): as agreed",
        "case 7 closed",
    ]


def test_each_amount_that_came_back_is_told_once() -> None:
    """
    JD repeats a return and names the sum each time: 40.00 yuan twice, then all of it.
    """
    whole = a_trade(TradeStatus.REFU, refund_fen=AMOUNT)
    dossier = a_dossier(
        a_payout(PayoutStatus.RETURNED),
        a_query(FINI, 1),
        a_notification(PART, 10),
        a_query(PART, 11),
        a_query(whole, 20),
        a_notification(whole, 21),
    )

    entries = merge(dossier, [], [], [], {})

    assert [(e.at, e.facts["refund_fen"], e.facts["learnt_from"]) for e in entries] == [
        (at(10), 4_000, "notification"),
        (at(20), AMOUNT, "query"),
    ]


def test_a_return_without_an_amount_says_so() -> None:
    """
    JD does not always name it.
    """
    silent = a_trade(TradeStatus.REFU, refund_fen=None)

    (entry,) = merge(a_dossier(a_payout(), a_query(silent)), [], [], [], {})

    assert entry.facts["refund_fen"] is None
    assert "not how much" in entry.told


def test_a_return_that_is_not_ours_is_no_return() -> None:
    """
    What names another amount, or does not verify, is not believed here either.
    """
    foreign = a_trade(TradeStatus.REFU, amount_fen=1)
    forged = a_trade(TradeStatus.REFU, verified=False)
    dossier = a_dossier(a_payout(), a_notification(foreign), a_notification(forged))

    assert merge(dossier, [], [], [], {}) == ()


def test_the_payout_that_pays_instead_says_for_whom() -> None:
    """
    The same decision, seen from the other side; it comes before the acceptance that it caused.
    """
    decision = a_decision(1, Action.REPLACE, at(5), payout_id=2, replaced_by=1)
    accepted = a_move(1, PayoutStatus.QUEUED, Reason.ACCEPTED, at(5))

    first, second = merge(
        a_dossier(a_payout(PayoutStatus.QUEUED)), [accepted], [], [decision], NUMBERS
    )

    assert (first.kind, second.kind) == ("replaces", "moved")
    assert first.told == "replaces P-2 (payout 2): as agreed"
    assert (first.facts["payout_id"], first.facts["out_trade_no"]) == (2, "P-2")


def test_a_decision_says_who_and_why() -> None:
    """
    For people and for machines.
    """
    dossier = a_dossier(a_payout(PayoutStatus.CANCELLED), attempts=())

    (entry,) = merge(dossier, [], [], [a_decision(1, Action.RELEASE, at(5))], {})

    assert (entry.told, entry.by) == ("release: as agreed", "cli:mei")
    assert entry.facts == {
        "decision_id": 1,
        "action": "release",
        "who": "cli:mei",
        "why": "as agreed",
        "case_id": None,
    }


def test_an_answer_that_says_nothing_of_money_is_no_entry() -> None:
    """
    Evidence by itself is `show`'s to tell.
    """
    assert merge(a_dossier(a_payout(), a_query(an_answer())), [], [], [], {}) == ()

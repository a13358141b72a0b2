"""
Refusals say first what a payout is, then what is missing.
"""

from functools import partial
from typing import Any

import pytest

from tests.factories import (
    NOON,
    a_case,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
)
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Evidence, TradeStatus
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.status import PayoutStatus

FINI = a_trade(TradeStatus.FINI)
PART = a_trade(TradeStatus.REFU, refund_fen=45)


def a_known(status: PayoutStatus, *evidence: Evidence, **changes: Any) -> Dossier:
    """
    A payout that was sent once and answered, with all evidence judged.
    """
    return a_dossier(
        a_payout(status, **changes),
        *(_judged(piece) for piece in evidence),
        attempts=(an_attempt(1, AttemptOutcome.ANSWERED),),
    )


def _judged(piece: Evidence) -> Evidence:
    return Evidence(
        id=piece.id,
        payout_id=1,
        source=piece.source,
        answer=piece.answer,
        received_at=piece.received_at,
        attempt_id=piece.attempt_id,
        asked_at=piece.asked_at,
        applied_at=NOON,
    )


def refusal(action: Action, dossier: Dossier) -> str:
    """
    Why an action is not legal.
    """
    decided = may_replace if action is Action.REPLACE else partial(decide, action)
    with pytest.raises(NotAllowed) as refused:
        decided(dossier, "mei", "asked to")
    return str(refused.value)


@pytest.mark.parametrize("action", [Action.RELEASE, Action.REPLACE])
def test_a_paid_payout_is_called_paid(action: Action) -> None:
    """
    Not that nothing is proven yet: it is proven that the payee has the money.
    """
    told = refusal(action, a_known(PayoutStatus.PAID, a_query(FINI)))

    assert told.startswith("it is paid: the payee has the money")
    assert "would be paid twice" in told
    assert "nothing proves" not in told


def test_one_returned_in_part_says_how_much_and_what_may_be_done() -> None:
    """
    45 of 12345 fen came back: that part can be paid anew, the rest cannot.
    """
    told = refusal(Action.RELEASE, a_known(PayoutStatus.PAID, a_query(PART), returned_fen=45))

    assert told == (
        "it is paid, and 0.45 of 123.45 yuan came back: the payee has the rest."
        " `payouts replace` pays anew what came back"
    )


def test_a_part_that_only_a_reply_names_is_not_paid_anew() -> None:
    """
    `replace` does not advise itself.
    """
    told = refusal(Action.REPLACE, a_known(PayoutStatus.PAID, a_reply(PART), returned_fen=45))

    assert told.startswith("it is paid, and 0.45 of 123.45 yuan came back, as no answer to a")
    assert "`payouts query`" in told
    assert "replace" not in told


def test_a_part_that_was_replaced_already_is_not_advised_again() -> None:
    """
    Another payout pays it.
    """
    dossier = a_known(PayoutStatus.PAID, a_query(PART), returned_fen=45, released_at=NOON)

    assert refusal(Action.RELEASE, dossier).endswith(
        "and its obligation was freed before, for another payout to pay"
    )


@pytest.mark.parametrize("action", [Action.RELEASE, Action.REPLACE])
@pytest.mark.parametrize(
    ("status", "evidence", "missing"),
    [
        (PayoutStatus.PROCESSING, a_query(a_trade(TradeStatus.WPAR)), "CLOS in two queries"),
        (PayoutStatus.UNKNOWN, a_reply(a_trade(TradeStatus.BUID)), "CLOS in two queries"),
        (PayoutStatus.SENDING, a_query(a_trade(TradeStatus.WPAR)), "CLOS in two queries"),
        (PayoutStatus.FAILED, a_query(a_trade(TradeStatus.CLOS)), "CLOS in two queries"),
        (PayoutStatus.RETURNED, a_notification(a_trade(TradeStatus.REFU)), "only a query proves"),
        (PayoutStatus.QUEUED, a_query(a_trade(TradeStatus.WPAR)), "`payouts cancel`"),
        (PayoutStatus.HELD, a_query(a_trade(TradeStatus.WPAR)), "`payouts cancel`"),
    ],
)
def test_every_other_status_comes_before_what_is_missing(
    action: Action, status: PayoutStatus, evidence: Evidence, missing: str
) -> None:
    """
    What it is, then the proof that would free it.
    """
    told = refusal(action, a_known(status, evidence))

    assert told.startswith(f"it is {status}: ")
    assert missing in told


def test_a_failed_payout_is_not_told_of_a_return() -> None:
    """
    What was not paid cannot come back.
    """
    told = refusal(Action.RELEASE, a_known(PayoutStatus.FAILED, a_query(a_trade(TradeStatus.CLOS))))

    assert "return" not in told


def test_an_open_case_does_not_hide_what_the_payout_is() -> None:
    """
    Both are told.
    """
    dossier = a_dossier(
        a_payout(PayoutStatus.PAID, returned_fen=45),
        cases=(a_case(CaseKind.MISMATCH),),
    )

    assert refusal(Action.RELEASE, dossier) == (
        "it is paid, and 0.45 of 123.45 yuan came back, and a case is open (mismatch):"
        " resolve it first"
    )

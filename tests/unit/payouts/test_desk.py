"""
What a person may decide, in which state, and on what proof.
"""

from dataclasses import replace

import pytest

from tests.factories import (
    a_bare,
    a_case,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    not_found,
)
from worker.payouts.desk import Action, NotAllowed, decide
from worker.payouts.evidence import Evidence, Meaning, TradeStatus
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.status import PayoutStatus

DAY = 24 * 60
CLOSED = a_trade(TradeStatus.CLOS)
REFUSED = a_reply(a_bare(Meaning.PAYEE))


def unsent(status: PayoutStatus, *evidence: Evidence) -> Dossier:
    """
    A payout that was never transmitted.
    """
    return a_dossier(a_payout(status), *evidence, attempts=())


def ended(status: PayoutStatus, *evidence: Evidence) -> Dossier:
    """
    A payout that was transmitted once and answered.
    """
    attempt = an_attempt(1, AttemptOutcome.ANSWERED)
    return a_dossier(a_payout(status), *evidence, attempts=(attempt,))


@pytest.mark.parametrize(
    ("action", "legal"),
    [
        (Action.CANCEL, {PayoutStatus.QUEUED, PayoutStatus.HELD}),
        (Action.LET_GO, {PayoutStatus.HELD}),
        (Action.RESEND, {PayoutStatus.REFUSED}),
    ],
)
def test_each_action_has_its_states(action: Action, legal: set[PayoutStatus]) -> None:
    """
    In every other state the action is refused.
    """
    allowed = set()
    for status in PayoutStatus:
        try:
            decide(action, unsent(status), "mei", "asked to")
        except NotAllowed:
            continue
        allowed.add(status)

    assert legal == allowed


@pytest.mark.parametrize("action", Action)
def test_an_open_case_comes_first(action: Action) -> None:
    """
    Nothing is decided about a payout that somebody still has to look into.
    """
    dossier = replace(unsent(PayoutStatus.QUEUED), open_cases=(a_case(CaseKind.MISMATCH),))

    with pytest.raises(NotAllowed, match="mismatch"):
        decide(action, dossier, "mei", "asked to")


@pytest.mark.parametrize(
    ("dossier", "proof"),
    [
        # withdrawn before anything was sent
        (unsent(PayoutStatus.CANCELLED), ()),
        # closed, and closed again a day later
        (ended(PayoutStatus.FAILED, a_query(CLOSED, 1), a_query(CLOSED, 1 + DAY)), (1, 2)),
        # the bank sent all of it back, and a query says so
        (ended(PayoutStatus.RETURNED, a_query(a_trade(TradeStatus.REFU), 5)), (1,)),
        # refused, and not known to a later query
        (ended(PayoutStatus.FAILED, REFUSED, not_found(3)), (1, 2)),
    ],
)
def test_what_frees_an_obligation(dossier: Dossier, proof: tuple[int, ...]) -> None:
    """
    Each of the four proofs, by the evidence that it rests on.
    """
    assert proof == decide(Action.RELEASE, dossier, "mei", "to be replaced").proof


@pytest.mark.parametrize(
    "dossier",
    [
        unsent(PayoutStatus.QUEUED),
        # a status alone, a timeout, silence
        ended(PayoutStatus.FAILED),
        ended(PayoutStatus.UNKNOWN),
        ended(PayoutStatus.UNKNOWN, not_found(2), not_found(10), not_found(2000)),
        # closed only once, or told twice by notifications, or twice within a day
        ended(PayoutStatus.FAILED, a_query(CLOSED, 1)),
        ended(PayoutStatus.FAILED, a_notification(CLOSED, 1), a_notification(CLOSED, 2 * DAY)),
        ended(PayoutStatus.FAILED, a_query(CLOSED, 1), a_query(CLOSED, DAY)),
        # closed twice, and paid once
        ended(
            PayoutStatus.PAID,
            a_query(CLOSED, 1),
            a_query(a_trade(TradeStatus.FINI), 2),
            a_query(CLOSED, 2 + DAY),
        ),
        # returned, but only notified; or returned in part
        ended(PayoutStatus.RETURNED, a_notification(a_trade(TradeStatus.REFU), 5)),
        ended(PayoutStatus.PAID, a_query(a_trade(TradeStatus.REFU, refund_fen=1), 5)),
        # refused without a later question, or asked only before
        ended(PayoutStatus.FAILED, REFUSED),
        # refused the second time: the first attempt may have been booked
        a_dossier(
            a_payout(PayoutStatus.UNKNOWN),
            a_reply(a_bare(Meaning.PAYEE), attempt_id=2),
            not_found(30),
            attempts=(
                an_attempt(1, AttemptOutcome.NO_ANSWER),
                an_attempt(2, AttemptOutcome.ANSWERED),
            ),
        ),
    ],
)
def test_what_does_not(dossier: Dossier) -> None:
    """
    Never a status alone, never a timeout, never half a proof.
    """
    with pytest.raises(NotAllowed):
        decide(Action.RELEASE, dossier, "mei", "to be replaced")

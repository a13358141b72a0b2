"""
Producers withdraw payouts of their own: over every ledger, and nobody else's.
"""

import pytest

from tests.contract.samples import (
    MERCHANT,
    VirtualClock,
    accepted,
    claimed,
    in_review,
    recorded,
)
from tests.contract.stories import stale
from worker.payouts.errors import NoSuchPayout, NotAllowed, StaleTransition, StoreBusy
from worker.payouts.model import Dossier
from worker.payouts.policy.actions import Action, Decision
from worker.payouts.status import PayoutStatus
from worker.usecases.operate import Operator
from worker.usecases.own_payouts import Withdrawal
from worker.usecases.ports import Ledger

WHY = "the customer changed their mind"


def cancel(ledger: Ledger, number: str = "P-1", producer: str = "shop") -> Dossier:
    """
    What is told of a payout that a producer withdraws.
    """
    return Withdrawal(ledger, MERCHANT).cancel(producer, number, WHY).dossier


def test_a_producer_withdraws_its_own(ledger: Ledger) -> None:
    """
    It is cancelled, and the record says by whom and why.
    """
    payout = accepted(ledger)

    told = cancel(ledger).payout

    assert (told.status, told.next_send_at) == (PayoutStatus.CANCELLED, None)
    assert ledger.dossier(payout.id).payout == told
    (decision,) = ledger.decisions(payout.id)
    assert (decision.action, decision.who, decision.why) == (Action.CANCEL, "producer:shop", WHY)
    assert ledger.history(payout.id)[-1].actor == "producer:shop"


def test_what_is_withdrawn_stays_so(ledger: Ledger) -> None:
    """
    Whoever withdrew it, asking again changes nothing and is no fault.
    """
    payout = accepted(ledger)
    Operator(ledger, "cli:mei").act(Action.CANCEL, payout.id, "wrong card")

    assert cancel(ledger) == cancel(ledger) == ledger.dossier(payout.id)
    assert len(ledger.decisions(payout.id)) == 1


@pytest.mark.parametrize("number", ["P-1", "P-9"])
def test_anothers_is_not_found(ledger: Ledger, number: str) -> None:
    """
    Whether there is one or not, it sounds the same, and nothing happens to it.
    """
    payout = accepted(ledger)

    with pytest.raises(NoSuchPayout) as refused:
        cancel(ledger, number, "payroll")

    assert str(refused.value) == str(NoSuchPayout())
    assert ledger.dossier(payout.id).payout == payout


def test_what_may_have_been_sent_is_not_withdrawn(ledger: Ledger) -> None:
    """
    While it is claimed, and when JD has it; it is told what it is.
    """
    payout = accepted(ledger)
    claimed(ledger, payout)

    with pytest.raises(NotAllowed, match="sending"):
        cancel(ledger)
    assert ledger.dossier(payout.id).payout.status is PayoutStatus.SENDING


def test_evidence_that_waits_stops_it(ledger: Ledger) -> None:
    """
    JD told of a trade a moment ago, though nothing was sent: that is judged first.
    """
    payout = accepted(ledger)
    recorded(ledger, payout.id)

    with pytest.raises(NotAllowed):
        cancel(ledger)


@pytest.mark.parametrize("why", ["review", "stale"])
def test_what_is_held_is_withdrawn_with_its_case(
    ledger: Ledger, clock: VirtualClock, why: str
) -> None:
    """
    A control holds it back from being sent, not from being withdrawn.
    """
    held = in_review(ledger) if why == "review" else stale(ledger, clock)
    assert held.open_cases

    told = cancel(ledger)

    assert (told.payout.status, told.open_cases) == (PayoutStatus.CANCELLED, ())


class Hurried:
    """
    A ledger on which somebody else is faster, so many times.
    """

    def __init__(self, ledger: Ledger, times: int) -> None:
        self._ledger = ledger
        self.times = times

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    def carry_out(self, dossier: Dossier, decision: Decision) -> None:
        """
        Somebody else changes it first.
        """
        self.times -= 1
        if self.times >= 0:
            raise StaleTransition
        self._ledger.carry_out(dossier, decision)


@pytest.mark.parametrize(("times", "ends"), [(0, None), (4, None), (5, StoreBusy)])
def test_who_is_slower_looks_again(
    ledger: Ledger, times: int, ends: type[Exception] | None
) -> None:
    """
    Another writer between look and decision is no answer; only without end it is.
    """
    payout = accepted(ledger)
    hurried = Withdrawal(Hurried(ledger, times), MERCHANT)  # type: ignore[arg-type]

    if ends is None:
        told = hurried.cancel("shop", "P-1", WHY).dossier.payout
        assert told.status is PayoutStatus.CANCELLED
    else:
        with pytest.raises(ends):
            hurried.cancel("shop", "P-1", WHY)
        assert ledger.dossier(payout.id).payout.status is PayoutStatus.QUEUED

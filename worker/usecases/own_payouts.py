"""
What a producer does with payouts of its own: looks at them, and withdraws one that was not sent.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.payouts.errors import StaleTransition, StoreBusy
from worker.payouts.event import Event
from worker.payouts.own import OwnPayout, Wanted
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus
from worker.usecases.operate import Operator
from worker.usecases.ports import ActionLedger, OwnReads


class WithdrawalLedger(OwnReads, ActionLedger, Protocol):
    """
    What withdrawing takes of the ledger.
    """


@dataclass(frozen=True, slots=True)
class Page:
    """
    Some of a producer's payouts, and whether there are more behind them.
    """

    payouts: Sequence[OwnPayout]
    has_more: bool


class OwnPayouts:
    """
    The payouts of one merchant, as their producers may see them; it takes no key.
    """

    def __init__(self, ledger: OwnReads, customer_no: str) -> None:
        self._ledger = ledger
        self._customer_no = customer_no

    def find(self, producer: str, out_trade_no: str) -> OwnPayout:
        """
        The producer's payout with that number. Raises `NoSuchPayout`, also where it is another's.
        """
        return self._ledger.own_payout(self._customer_no, producer, out_trade_no)

    def page(self, producer: str, wanted: Wanted, limit: int) -> Page:
        """
        The producer's payouts that are wanted, the last accepted first.

        Raises `NoSuchPayout` if they are to be behind one that the producer does not have.
        """
        found = self._ledger.own_payouts(self._customer_no, producer, wanted, limit + 1)
        return Page(found[:limit], len(found) > limit)

    def events(
        self, producer: str, after: int, out_trade_no: str | None, limit: int
    ) -> Sequence[Event]:
        """
        What was announced of the producer's after a position, oldest first.
        """
        return self._ledger.events(limit, after=after, producer=producer, out_trade_no=out_trade_no)


class Withdrawal:
    """
    How producers withdraw payouts of theirs that were never sent.
    """

    #: So often the row may change between the look and the decision.
    _TRIES = 5

    def __init__(self, ledger: WithdrawalLedger, customer_no: str) -> None:
        self._ledger = ledger
        self._customer_no = customer_no

    def cancel(self, producer: str, out_trade_no: str, why: str) -> OwnPayout:
        """
        Withdraw the producer's payout; one that is withdrawn already stays as it is.

        Raises `NoSuchPayout`, also where it is another's, `NotAllowed`, which says what it is, or
        `StoreBusy` where others keep changing it.
        """
        operator = Operator(self._ledger, f"producer:{producer}")
        for _ in range(self._TRIES):
            found = self._find(producer, out_trade_no)
            if found.dossier.payout.status is PayoutStatus.CANCELLED:
                return found
            # Another writer may be first: then it is looked at again.
            with contextlib.suppress(StaleTransition):
                operator.act(Action.CANCEL, found.dossier.payout.id, why)
                return self._find(producer, out_trade_no)
        raise StoreBusy

    def _find(self, producer: str, out_trade_no: str) -> OwnPayout:
        return self._ledger.own_payout(self._customer_no, producer, out_trade_no)

"""
All use cases over the same parts, as one worker process has them.
"""

from collections.abc import Callable
from typing import cast

from worker.jdpay.deadline import steady
from worker.payouts.acceptance import Acceptance
from worker.payouts.model import Order, Rejection, Terms
from worker.payouts.policy.controls import ReviewList
from worker.usecases.accept import Acceptor
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Dispatcher, Gateway, Ledger
from worker.usecases.query import Querier
from worker.usecases.send import Sender
from worker.usecases.sweep import Sweeper, Swept

#: Of these nobody looks at a payout first.
NOBODY = ReviewList()


class UseCases:
    """
    What tasks do with their messages, by the names of the tasks.
    """

    def __init__(
        self,
        handler: EvidenceHandler,
        gateway: Gateway,
        dispatcher: Dispatcher,
        terms: Terms,
        review_list: ReviewList = NOBODY,
        *,
        steady: Callable[[], float] = steady,
    ) -> None:
        ledger = cast(Ledger, handler.ledger)
        self.ledger = ledger
        self.limits = handler.limits
        self.terms = terms
        self.acceptor = Acceptor(ledger, dispatcher, terms, handler.limits, review_list)
        self.sender = Sender(handler, ledger, gateway, steady)
        self.querier = Querier(handler, ledger, gateway)
        self.sweeper = Sweeper(handler, ledger, dispatcher)

    def accept(self, order: Order) -> Acceptance:
        """
        What the entry task does with a valid job.
        """
        return self.acceptor.accept(order)

    def reject(self, rejection: Rejection) -> None:
        """
        What the entry task does with another.
        """
        self.acceptor.reject(rejection)

    def submit(self, payout_id: int) -> None:
        """
        What the submit task does.
        """
        self.sender.send(payout_id)

    def query(self, payout_id: int) -> None:
        """
        What an operator's question does.
        """
        self.querier.query(payout_id)

    def follow_up(self, payout_id: int) -> None:
        """
        What the query task does.
        """
        self.querier.follow_up(payout_id)

    def sweep(self, limit: int = 100) -> Swept:
        """
        What the sweep task does after its maintenance.
        """
        return self.sweeper.sweep(limit)

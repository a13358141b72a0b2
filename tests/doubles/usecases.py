"""
All use cases over the same parts, as one worker process has them.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from tests.doubles.high_water_mark import MemoryMark
from tests.doubles.journal import MemoryJournal
from worker.intake.sealing import SealedJobs
from worker.jdpay.deadline import steady
from worker.payouts.acceptance import Acceptance
from worker.payouts.model import Order, Rejection, Terms
from worker.payouts.news import News
from worker.payouts.policy.controls import ReviewList
from worker.usecases.accept import Acceptor
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance
from worker.usecases.ports import Dispatcher, Gateway, HighWaterMark, Journal, Ledger
from worker.usecases.query import Querier
from worker.usecases.send import Sender
from worker.usecases.sweep import Sweeper, Swept
from worker.usecases.taken import Taken, Work

#: Of these nobody looks at a payout first.
NOBODY = ReviewList()


def an_upkeep(
    handler: EvidenceHandler, ledger: Ledger, mark: HighWaterMark | None = None
) -> Maintenance:
    """
    What each sweep does first; a mark that is not given knows nothing.
    """
    return Maintenance(handler, ledger, Epochs(ledger, mark or MemoryMark(), handler.limits))


class Gathered:
    """
    Keeps in one commit what came of a whole batch, once all of it has ended.
    """

    def __init__(self) -> None:
        self._news: list[News] = []
        self._commit: Callable[[Sequence[News]], object] = lambda _news: None

    def __call__(self, commit: Callable[[Sequence[Any]], Sequence[Any]]) -> Callable[[Any], Any]:
        """
        Stand in for what keeps one piece. What is acknowledged is kept at once.
        """

        def keep(item: object) -> object:
            if not isinstance(item, News):
                return commit([item])[0]
            self._commit = commit
            self._news.append(item)
            return None

        return keep

    def flush(self) -> None:
        """
        Keep what there is.
        """
        news, self._news[:] = [*self._news], []
        if news:
            self._commit(news)


class UseCases:
    """
    What tasks do with their messages, by the names of the tasks.

    What is taken off is begun by `begin`, one piece after the other unless that is told otherwise.
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
        batch: int = 50,
        begin: Callable[[Work], object] = lambda work: work(),
        gathered: "Gathered | None" = None,
        mark: HighWaterMark | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._batch = batch
        self._begin = begin
        self._gathered = gathered or Gathered()
        ledger = cast(Ledger, handler.ledger)
        self.ledger = ledger
        self.limits = handler.limits
        self.terms = terms
        opener = SealedJobs()
        self.acceptor = Acceptor(ledger, dispatcher, terms, review_list, opener)
        epochs = Epochs(ledger, mark or MemoryMark(), handler.limits)
        parts = handler, ledger, gateway, epochs, journal or MemoryJournal()
        self.sender = Sender(*parts, steady=steady, opener=opener)
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
        Send one payout, if it may be sent.
        """
        self._do(self.sender.claim(payout_id).works)

    def send(self) -> None:
        """
        What the submit task does, one payout after the other.
        """
        self._work_off(self.sender.take)

    def ask(self) -> None:
        """
        What the query task does, one question after the other.
        """
        self._work_off(self.querier.take)

    def _work_off(self, take: Callable[[int], Taken]) -> None:
        while works := take(self._batch).works:
            self._do(works)

    def _do(self, works: Sequence[Work]) -> None:
        for work in works:
            self._begin(work)
        self._gathered.flush()

    def query(self, payout_id: int) -> None:
        """
        What an operator's question does.
        """
        self.querier.query(payout_id)
        self._gathered.flush()

    def sweep(self, limit: int = 100) -> Swept:
        """
        What the sweep task does after its maintenance.
        """
        return self.sweeper.sweep(limit)

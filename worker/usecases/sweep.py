"""
Due work that no message announced: the one thing that beat has to call.
"""

from dataclasses import dataclass
from datetime import timedelta

from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Dispatcher, DueWork


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What one sweep found to do.
    """

    applied: int
    #: Whether something is due to be sent, or to be asked, before the next sweep.
    sends: bool
    queries: bool


class Sweeper:
    """
    Ends expired leases, applies evidence that waits, and wakes workers for what is due.

    Whoever asks is woken for questions that fall due within `ahead`, and waits for them: so they
    are asked on time, and not at the next sweep.
    """

    def __init__(
        self,
        handler: EvidenceHandler,
        ledger: DueWork,
        dispatcher: Dispatcher,
        ahead: timedelta = timedelta(0),
    ) -> None:
        self._handler = handler
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._ahead = ahead

    def sweep(self, limit: int = 100) -> Swept:
        """
        Bring all in line that waits, and wake those who send and ask: questions come first.

        It looks for `limit` at a time, and goes on while it finds others: where many requests were
        in flight at once, they are not left to as many sweeps. What could not be brought in line
        is found again each time, so the next look goes that much further.
        """
        tried: set[int] = set()
        failed = 0
        while waiting := self._waiting(limit + failed) - tried:
            failed += self._handler.apply_all(sorted(waiting))
            tried |= waiting
        due_in = self._ledger.until_next_query(self._handler.customer_no)
        queries = due_in is not None and due_in <= self._ahead
        if queries:
            self._dispatcher.wake_querier()
        sends = bool(self._ledger.find_due_sends(self._handler.customer_no, 1))
        if sends:
            self._dispatcher.wake_sender()
        self._ledger.end_sweep(self._handler.customer_no)
        return Swept(len(tried) - failed, sends, queries)

    def _waiting(self, limit: int) -> set[int]:
        return {*self._ledger.expire_leases(limit), *self._ledger.find_unapplied(limit)}

"""
Due work that no message announced: the one thing that beat has to call.
"""

from dataclasses import dataclass

from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Dispatcher, DueWork


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What one sweep found to do.
    """

    applied: int
    sends: int
    queries: int


class Sweeper:
    """
    Ends expired leases, applies evidence that waits, and wakes workers for what is due.
    """

    def __init__(self, handler: EvidenceHandler, ledger: DueWork, dispatcher: Dispatcher) -> None:
        self._handler = handler
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._limits = handler.limits

    def sweep(self, limit: int = 100) -> Swept:
        """
        Do at most `limit` of each, and wake no more workers than the queues have room for.

        The others stay due: wake-ups that nobody takes must not pile up, or workers would do
        little but read them.
        """
        waiting = {*self._ledger.expire_leases(limit), *self._ledger.find_unapplied(limit)}
        self._handler.apply_all(waiting)
        room = self._dispatcher.room()
        sends = self._ledger.claim_due_sends(min(limit, room.sends), self._limits.wake_again)
        for payout_id in sends:
            self._dispatcher.submit(payout_id)
        retry = self._limits.schedule.retry
        queries = self._ledger.claim_due_queries(min(limit, room.queries), retry)
        for payout_id in queries:
            self._dispatcher.query(payout_id)
        return Swept(len(waiting), len(sends), len(queries))

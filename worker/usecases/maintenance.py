"""
What each sweep checks of the service as a whole, not of one payout.
"""

import logging
from datetime import timedelta

from worker.payouts.policy.circuit_breaker import trips
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import HealthLedger

log = logging.getLogger("jdpay_payouts.maintenance")

_CHECKPOINT_EVERY = timedelta(minutes=1)


class Maintenance:
    """
    Notices what no message, no reply and no producer would tell.
    """

    def __init__(self, handler: EvidenceHandler, ledger: HealthLedger, epochs: Epochs) -> None:
        self._handler = handler
        self._ledger = ledger
        self._limits = handler.limits
        self._epochs = epochs

    def run(self, limit: int = 100) -> None:
        """
        Count the sweep, tell what the database knows, hold what is stale, and judge the sending.
        """
        self._epochs.check()
        self._epochs.count(self._ledger.count_sweep())
        self._note_checkpoint()
        self._hold_stale(limit)
        for late in self._ledger.mark_overdue(limit, self._limits.overdue_after):
            log.error(
                "overdue",
                extra={
                    "action": "overdue",
                    "payout_id": late.payout_id,
                    "out_trade_no": late.out_trade_no,
                },
            )
        tally = self._ledger.tally(self._handler.customer_no, self._limits.breaker_window)
        if trips(tally, self._limits):
            self._ledger.open_breaker(self._handler.customer_no, self._limits.breaker_rest)
            detail = f"{tally.unknown} of {tally.ended} ended as unknown"
            log.warning("sending rests", extra={"action": "breaker_open", "detail": detail})

    def _note_checkpoint(self) -> None:
        """
        Tell outside the database what it knew: whoever changes it cannot change that.
        """
        noted = self._ledger.note_checkpoint(_CHECKPOINT_EVERY)
        if noted is not None:
            detail = f"{noted} over {noted.payouts} payouts"
            log.info("checkpoint", extra={"action": "checkpoint", "detail": detail})

    def _hold_stale(self, limit: int) -> None:
        """
        Hold what is stale; what cannot be held is found again, and keeps out no other.
        """
        within, failed = self._limits.send_within, 0
        while failing := self._handler.apply_all(self._ledger.find_stale(limit + failed, within)):
            if failing == failed:
                return
            failed = failing

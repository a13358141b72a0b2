"""
What each sweep checks of the service as a whole, not of one payout.
"""

import logging

from worker.payouts.policy.circuit_breaker import trips
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import HealthLedger, HighWaterMark

log = logging.getLogger("jdpay_payouts.maintenance")

#: Who begins an epoch where the program itself finds the database restored.
_ACTOR = "maintenance"


class Maintenance:
    """
    Notices what no message, no reply and no producer would tell.
    """

    def __init__(self, handler: EvidenceHandler, ledger: HealthLedger, mark: HighWaterMark) -> None:
        self._handler = handler
        self._ledger = ledger
        self._limits = handler.limits
        self._mark = mark

    def run(self, limit: int = 100) -> None:
        """
        Count the sweep, hold what is stale, tell what is overdue, and judge how sending goes.
        """
        self.check_epoch()
        self._mark.remember(self._ledger.count_sweep())
        self._handler.apply_all(self._ledger.find_stale(limit, self._limits.send_within))
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
            log.error("sending rests", extra={"action": "breaker_open", "detail": detail})

    def check_epoch(self) -> None:
        """
        Begin a new epoch if the database has forgotten sweeps that the mark remembers.

        A database restored from a backup, or failed over to a replica that lagged, may have
        forgotten what was sent: so JD is asked about everything unfinished before it sends again.
        """
        # The mark is read first: a sweep that ends meanwhile must not look like a lost one.
        seen = self._mark.seen(self._ledger.sweep_count().uid)
        counted = self._ledger.sweep_count().count
        if seen > counted:
            why = f"the database has counted {counted} sweeps, and {seen} were seen"
            doubted = self._ledger.begin_epoch(_ACTOR, why)
            detail = f"{why}; {doubted} payouts are asked about"
            log.critical("database restored", extra={"action": "restored", "detail": detail})

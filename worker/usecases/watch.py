"""
Keeping watch: what no message, no reply and no producer would tell.
"""

import logging

from worker.payouts.policy.circuit_breaker import trips
from worker.usecases.evidence import Clerk
from worker.usecases.ports import Witness

log = logging.getLogger("jdpay_payouts.watch")

#: Who begins an epoch where the program itself finds the database restored.
_ACTOR = "watch"


class Watch:
    """
    The chores of each sweep that look after the whole, not after one payout.
    """

    def __init__(self, clerk: Clerk, witness: Witness) -> None:
        self.ledger = clerk.ledger
        self.rules = clerk.rules
        self._clerk = clerk
        self._witness = witness

    def keep(self, limit: int = 100) -> None:
        """
        Beat, hold what is stale, tell what is overdue, and judge how sending goes.
        """
        self.check_epoch()
        self._witness.remember(self.ledger.beat())
        self._clerk.settle_all(self.ledger.unsent(limit, self.rules.send_within))
        for payout_id in self.ledger.overdue(limit, self.rules.overdue_after):
            log.error("overdue", extra={"action": "overdue", "payout_id": payout_id})
        tally = self.ledger.tally(self._clerk.customer_no, self.rules.breaker_window)
        if trips(tally, self.rules):
            self.ledger.trip(self._clerk.customer_no, self.rules.breaker_rest)
            detail = f"{tally.unknown} of {tally.ended} ended as unknown"
            log.error("sending rests", extra={"action": "breaker_open", "detail": detail})

    def check_epoch(self) -> None:
        """
        Begin a new epoch if the database has forgotten sweeps that the witness saw.

        A database restored from a backup, or failed over to a replica that lagged, may have
        forgotten what was sent: so JD is asked about everything unfinished before it sends again.
        """
        # The witness is asked first: a sweep that ends meanwhile must not look like a lost one.
        seen = self._witness.seen(self.ledger.last_beat().uid)
        counted = self.ledger.last_beat().count
        if seen > counted:
            why = f"the database has counted {counted} sweeps, and {seen} were seen"
            doubted = self.ledger.doubt(_ACTOR, why)
            detail = f"{why}; {doubted} payouts are asked about"
            log.critical("database restored", extra={"action": "restored", "detail": detail})

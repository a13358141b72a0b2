"""
The health of the whole: sweeps counted, the epoch, the circuit breaker, what is late.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from worker.payouts.health import Health, Overdue, SweepCount
from worker.payouts.policy.circuit_breaker import Tally


class HighWaterMark(Protocol):
    """
    Something outside the database that remembers how far its count had come.

    It may forget, and it never raises.
    """

    def seen(self, uid: str) -> int:
        """
        The highest count that it was told; 0 if it knows none.
        """

    def remember(self, count: SweepCount) -> None:
        """
        Keep the newest count.
        """


class EpochLedger(Protocol):
    """
    What happens when the database may have forgotten something.
    """

    def begin_epoch(self, who: str, why: str) -> int:
        """
        Begin a new epoch: the database may have forgotten what was sent.

        Every unfinished payout is to be asked about now, and no merchant sends until JD has
        answered for each of its own. Returns how many there are.
        """


class HealthLedger(EpochLedger, Protocol):
    """
    The ledger's share in looking after the whole. Every method is one transaction.
    """

    def sweep_count(self) -> SweepCount:
        """
        How many sweeps this database has counted.
        """

    def count_sweep(self) -> SweepCount:
        """
        Count one more sweep, at the database's time.
        """

    def find_stale(self, limit: int, within: timedelta) -> Sequence[int]:
        """
        Queued payouts past their time to be sent: `within` from acceptance if they name none.
        """

    def mark_overdue(self, limit: int, after: timedelta) -> Sequence[Overdue]:
        """
        Mark, once, what has had no final state for so long since it was first sent; return it.
        """

    def tally(self, customer_no: str, window: timedelta) -> Tally:
        """
        What came of the transmissions that ended in `window`, since the breaker last closed.
        """

    def open_breaker(self, customer_no: str, rest: timedelta) -> None:
        """
        Let nothing be sent for one merchant for `rest` from now.
        """

    def health(self, customer_no: str) -> Health:
        """
        How the whole is for one merchant: what alerts are made from.
        """

"""
What the ledger offers to whoever keeps watch: the heartbeat, the breaker, what is late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from worker.payouts.policy.circuit_breaker import Tally


@dataclass(frozen=True, slots=True)
class Beat:
    """
    One count of a database's sweeps. The count never falls while the database is the same one.
    """

    uid: str  #: tells the database from every other
    count: int


class Vigil(Protocol):
    """
    The ledger's share in keeping watch. Every method is one transaction.
    """

    def last_beat(self) -> Beat:
        """
        How many sweeps this database has counted.
        """

    def beat(self) -> Beat:
        """
        Count one more sweep, at the database's time.
        """

    def doubt(self, who: str, why: str) -> int:
        """
        Begin a new epoch: the database may have forgotten what was sent.

        Every unfinished payout is to be asked about now, and no member sends until JD has answered
        for each of its own. Returns how many there are.
        """

    def unsent(self, limit: int, within: timedelta) -> Sequence[int]:
        """
        Queued payouts past their time to be sent: `within` from acceptance if they name none.
        """

    def overdue(self, limit: int, after: timedelta) -> Sequence[int]:
        """
        Mark, once, what has had no final state for so long since it was first sent; return it.
        """

    def tally(self, customer_no: str, window: timedelta) -> Tally:
        """
        What came of the transmissions that ended in `window`, since the breaker last closed.
        """

    def trip(self, customer_no: str, rest: timedelta) -> None:
        """
        Let nothing be sent for one member for `rest` from now.
        """

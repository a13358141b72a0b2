"""
Claims that a restored database has forgotten are put back from the journals of those who made them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from worker.payouts.journal import JournaledClaim, Recalled
from worker.usecases.ports import EpochLedger

#: So many claims are looked up at once.
_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Recall:
    """
    A claim that the database lacked, and what was done.
    """

    claim: JournaledClaim
    found: Recalled


def recall(
    ledger: EpochLedger, claims: Iterable[JournaledClaim], lease: timedelta
) -> Iterator[Recall]:
    """
    Put back what the database lacks, and tell each; `lease` is how long a claim's lease lasts.

    What is told as `BEING_SENT` was not put back: recall it again, a lease later at the latest if
    the workers stand still.
    """
    left = iter(claims)
    while some := [*islice(left, _TOGETHER)]:
        for claim in ledger.find_forgotten(some):
            if (found := ledger.recall(claim, lease)) is not Recalled.KNOWN:
                yield Recall(claim, found)

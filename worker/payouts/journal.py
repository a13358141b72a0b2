"""
A claim as the journal of its worker has it: outside the database, in case that forgets it.
"""

import enum
from dataclasses import dataclass, field

from worker.payouts.model import Attempt, Order, Terms
from worker.payouts.sealed_job import KeptSeal

#: What an attempt that was put back says of itself.
FROM_A_JOURNAL = "from a journal"


@dataclass(frozen=True, slots=True)
class JournaledClaim:
    """
    Enough of a claim to make its payout anew: what was to be paid, and with which request.
    """

    #: The epoch of the database in which it was claimed.
    uid: str
    attempt: Attempt
    order: Order = field(repr=False)
    terms: Terms
    request: str = field(repr=False)
    #: What its producer sealed; None where the job came unsealed.
    seal: KeptSeal | None = field(default=None, repr=False)


class Recalled(enum.StrEnum):
    """
    What became of a journaled claim.
    """

    KNOWN = "known"  #: the database has it
    ATTEMPT = "attempt"  #: the database had the payout, and not that it was claimed
    PAYOUT = "payout"  #: the database did not even have the payout
    BEING_SENT = "being_sent"  #: nothing yet: by the database another claim of it is being sent

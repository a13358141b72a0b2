"""
What is asked of JD.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.payouts.model import Payout


@dataclass(frozen=True, slots=True)
class Question:
    """
    All that asking JD about a payout takes.
    """

    payout: Payout
    #: The database's time of the reading: the question is asked no earlier.
    at: datetime

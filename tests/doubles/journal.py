"""
A journal of claims in memory.
"""

from collections.abc import Sequence

from worker.payouts.claim import Claim
from worker.payouts.errors import NotSent
from worker.payouts.journal import JournaledClaim


class MemoryJournal:
    """
    Keeps every claim, unless its disk is full.
    """

    def __init__(self) -> None:
        self.claims: list[JournaledClaim] = []
        self.is_full = False

    def record(self, uid: str, claims: Sequence[Claim]) -> None:
        """
        Keep claims of an epoch.
        """
        if self.is_full:
            raise NotSent("no_journal")
        self.claims += [
            JournaledClaim(uid, one.attempt, one.order, one.payout.terms, one.request)
            for one in claims
        ]

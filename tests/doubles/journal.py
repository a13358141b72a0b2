"""
A journal of claims in memory.
"""

from collections.abc import Sequence

from worker.payouts.claim import Claim
from worker.payouts.errors import NotSent
from worker.payouts.journal import JournaledClaim
from worker.payouts.progress import Progress


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

    def newest(self, uid: str) -> Progress:
        """
        The newest claim of an epoch.
        """
        own = [claim.attempt for claim in self.claims if claim.uid == uid]
        newest = max(own, key=lambda attempt: attempt.id, default=None)
        if newest is None:
            return Progress(uid)
        return Progress(uid, attempt_id=newest.id, token=newest.lease_token)

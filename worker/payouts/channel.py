"""
Whether one merchant's payouts may be sent.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """
    The switch of one merchant: who last changed it, and why.
    """

    customer_no: str
    paused_at: datetime | None = None
    paused_why: str | None = None
    paused_by: str | None = None
    resumed_at: datetime | None = None
    resumed_why: str | None = None
    resumed_by: str | None = None
    #: Replies in a row that did not verify.
    unverifiable: int = 0
    #: Until when the circuit breaker stops sending, or stopped it.
    broken_until: datetime | None = None

    @property
    def is_paused(self) -> bool:
        """
        Whether nothing is sent until someone resumes.
        """
        return self.paused_at is not None

    def rests_at(self, now: datetime) -> bool:
        """
        Whether the circuit breaker stops sending at `now`.
        """
        return self.broken_until is not None and self.broken_until > now

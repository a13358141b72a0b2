"""
Events on their way to whoever wants to hear them.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from worker.payouts.endpoint import Delivery, Endpoint, Try
from worker.payouts.event import Event


class OutboxLedger(Protocol):
    """
    The ledger's share in telling events. Every method is one transaction.
    """

    def announce(self, limit: int) -> int:
        """
        Give new events their positions, and a delivery for each endpoint that wants them.

        Returns how many there were.
        """

    def endpoints(self) -> Sequence[Endpoint]:
        """
        All endpoints, with the keys that sign now.
        """

    def claim_deliveries(
        self, endpoint_id: int, limit: int, lease: timedelta
    ) -> Sequence[Delivery]:
        """
        Deliveries that are due at an endpoint: nobody else has them until the lease is over.

        Of one payout at most one, and none while an earlier one waits.
        """

    def note_tries(self, tries: Sequence[tuple[Delivery, Try]]) -> None:
        """
        Write down what came of deliveries, and when those that failed are tried again.
        """


class Courier(Protocol):
    """
    Carries events to one kind of endpoint.
    """

    def begin(self) -> int:
        """
        Get ready to tell some; what is returned is given back to `lost`. Never raises.
        """

    def tell(self, endpoint: Endpoint, event: Event) -> tuple[bool, str]:
        """
        Whether the endpoint took an event, and what it answered or why it did not. Never raises.
        """

    def lost(self, since: int) -> str | None:
        """
        Why some of what was told since `begin` may be lost again; None if it is kept. Never raises.
        """

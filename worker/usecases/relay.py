"""
Events are told to whoever wants to hear them: at least once, and in order for each payout.

Whoever dies between telling and writing that down tells it again once the lease is over. An
endpoint that is slow, away or lying keeps its own events waiting, and nobody else's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from worker.payouts.endpoint import Delivery, Endpoint, EndpointKind, Try
from worker.usecases.ports.outbox import Courier, OutboxLedger

#: So many events are announced in one transaction.
_TOGETHER = 500

#: Runs one function over some deliveries, side by side or not.
SideBySide = Callable[[Callable[[Delivery], Try], Iterable[Delivery]], Iterable[Try]]


class Relay:
    """
    Announces events, and delivers them. `steady` tells seconds that nobody sets.
    """

    def __init__(
        self,
        ledger: OutboxLedger,
        couriers: Callable[[EndpointKind], Courier],
        lease: timedelta,
        steady: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._couriers = couriers
        self._lease = lease
        self._steady = steady

    def announce(self) -> int:
        """
        Announce all that is new; return how much that was.
        """
        announced = 0
        while some := self._ledger.announce(_TOGETHER):
            announced += some
        return announced

    def active(self) -> Mapping[int, Endpoint]:
        """
        The endpoints that are told something now, by id.
        """
        told = (e for e in self._ledger.endpoints() if e.disabled_at is None)
        return {e.id: e for e in told if not e.lacks_key}

    def deliver(self, endpoint: Endpoint, most: int, each: SideBySide) -> int:
        """
        Deliver what is due at one endpoint, at most so much; return how much was tried.
        """
        courier = self._couriers(endpoint.kind)

        def tell(delivery: Delivery) -> Try:
            began = self._steady()
            is_delivered, outcome = courier.tell(endpoint, delivery.event)
            took = timedelta(seconds=self._steady() - began)
            return Try(delivery.id, is_delivered, outcome, took)

        claimed = self._ledger.claim_deliveries(endpoint.id, most, self._lease)
        if claimed:
            since = courier.begin()
            tries = [*each(tell, claimed)]
            if why := courier.lost(since):
                # Which of them are kept is not known, so all are told once more.
                tries = [
                    replace(one, is_delivered=False, outcome=why) if one.is_delivered else one
                    for one in tries
                ]
            self._ledger.note_tries([*zip(claimed, tries, strict=True)])
        return len(claimed)

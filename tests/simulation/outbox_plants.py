"""
Bugs about events: each takes away a guard as a careless change might.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.doubles import rows
from tests.doubles.ledger import MemoryLedger
from tests.simulation.known_kinds import Change
from tests.simulation.shop import Shop
from worker.payouts.endpoint import Delivery, Endpoint, Try
from worker.payouts.event import EventType
from worker.payouts.model import Payout
from worker.payouts.policy.events import told_by
from worker.usecases.relay import Relay


def tries_are_noted_before_they_are_made() -> list[Change]:
    """
    Whoever dies between the two has told nobody, and written down that it did.
    """

    def deliver(self: Relay, endpoint: Endpoint, most: int, each: Any) -> int:
        claimed = self._ledger.claim_deliveries(endpoint.id, most, self._lease)
        made = [(one, Try(one.id, True, "200", timedelta(0))) for one in claimed]
        self._ledger.note_tries(made)
        courier = self._couriers(endpoint.kind)
        for one in claimed:
            courier.tell(endpoint, one.event)
        return len(claimed)

    return [(Relay, "deliver", deliver)]


def who_takes_an_event_keeps_it() -> list[Change]:
    """
    What a broker took is told, though it has crashed and lost it meanwhile.
    """

    def lost(self: Shop, since: int) -> None:
        self._written = len(self.heard)

    return [(Shop, "lost", lost)]


def events_do_not_wait_for_each_other() -> list[Change]:
    """
    What is due is told, whether or not the payout's event before it was taken.
    """

    def claim(
        self: MemoryLedger, endpoint_id: int, limit: int, lease: timedelta
    ) -> Sequence[Delivery]:
        now = self.now()
        own = [one for (place, _), one in self._deliveries.items() if place == endpoint_id]
        due = [one for one in own if one.next_at is not None and one.next_at <= now]
        claimed = [replace(one, next_at=now + lease) for one in due[:limit]]
        self._put(endpoint_id, claimed)
        return claimed

    return [(MemoryLedger, "claim_deliveries", claim)]


def a_part_that_comes_back_is_no_event() -> list[Change]:
    """
    Only what moves a payout is told.
    """

    def moves(before: Payout, after: Payout) -> list[EventType]:
        return [t for t in told_by(before, after) if t is not EventType.PARTLY_RETURNED]

    return [(rows, "told_by", moves)]


def a_closed_payout_frees_its_debt() -> list[Change]:
    """
    An application that hears so pays again what JD may still pay.
    """

    def early(before: Payout, after: Payout) -> list[EventType]:
        told = [*told_by(before, after)]
        return [*told, EventType.FREED] if EventType.FAILED in told else told

    return [(rows, "told_by", early)]


#: Each of them, to be found by the simulation.
KINDS = (
    tries_are_noted_before_they_are_made,
    who_takes_an_event_keeps_it,
    events_do_not_wait_for_each_other,
    a_part_that_comes_back_is_no_event,
    a_closed_payout_frees_its_debt,
)

"""
The events of the ledger in memory, and their way to endpoints.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.doubles.rows import MemoryRows, transactions
from worker.payouts.endpoint import (
    Backlog,
    Delivery,
    Endpoint,
    EndpointKind,
    Tried,
    Try,
    next_try,
)
from worker.payouts.errors import NoSuchEvent, NotAllowed
from worker.payouts.event import Event, EventType


@transactions
class MemoryOutbox(MemoryRows):
    """
    What a relay, and whoever looks on, asks of it.
    """

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self._endpoints: dict[int, Endpoint] = {}
        self._key_ends: dict[int, datetime] = {}
        #: By endpoint and event.
        self._deliveries: dict[tuple[int, str], Delivery] = {}
        self._due_at: dict[int, datetime] = {}
        self._tried: defaultdict[int, list[Tried]] = defaultdict(list)

    def announce(self, limit: int) -> int:
        """
        Give new events their positions, and a delivery for each endpoint that wants them.
        """
        new = [place for place, event in enumerate(self._events) if event.position is None][:limit]
        last = max((event.position or 0 for event in self._events), default=0)
        for position, place in enumerate(new, last + 1):
            event = self._events[place] = replace(self._events[place], position=position)
            for endpoint in self._endpoints.values():
                if endpoint.disabled_at is None and endpoint.wants(event):
                    self._deliver(endpoint.id, event)
        return len(new)

    def _deliver(self, endpoint_id: int, event: Event) -> None:
        made = Delivery(next(self._ids["deliveries"]), event, 0, self._clock())
        self._deliveries[endpoint_id, event.uid] = made
        self._due_at[made.id] = self._clock()

    def endpoints(self) -> Sequence[Endpoint]:
        """
        All endpoints, with the keys that sign now.
        """
        now = self._clock()
        return [
            replace(e, keys=e.keys[: 2 if self._key_ends.get(e.id, now) > now else 1])
            for e in self._endpoints.values()
        ]

    def claim_deliveries(
        self, endpoint_id: int, limit: int, lease: timedelta
    ) -> Sequence[Delivery]:
        """
        Deliveries that are due, of each payout the first that waits.
        """
        now = self._clock()
        first: set[int | None] = set()
        due = []
        for (endpoint, _), one in sorted(self._deliveries.items(), key=lambda it: it[1].id):
            if endpoint != endpoint_id or one.next_at is None:
                continue
            payout_id = one.event.payout_id
            if one.next_at <= now and (payout_id is None or payout_id not in first):
                due.append(one)
            first.add(payout_id)
        due.sort(key=lambda one: (one.next_at or now, one.id))
        claimed = [replace(one, next_at=now + lease) for one in due[:limit]]
        self._put(endpoint_id, claimed)
        return sorted(claimed, key=lambda one: one.id)

    def _put(self, endpoint_id: int, changed: Iterable[Delivery]) -> None:
        for one in changed:
            self._deliveries[endpoint_id, one.event.uid] = one

    def note_tries(self, tries: Sequence[tuple[Delivery, Try]]) -> None:
        """
        Write down what came of deliveries, and when those that failed are tried again.
        """
        now = self._clock()
        places = {one.id: place for place, one in self._deliveries.items()}
        same = {(one.id, one.event) for one in self._deliveries.values()}
        for delivery, made in tries:
            if (delivery.id, delivery.event) not in same:
                continue  # it was lost, and its id is another's now
            self._tried[delivery.id].append(Tried(now, made.outcome, made.took))
            current = self._deliveries[places[delivery.id]]
            if current.delivered_at is None:
                count = delivery.tries + 1
                self._deliveries[places[delivery.id]] = replace(
                    current,
                    tries=count,
                    delivered_at=now if made.is_delivered else None,
                    next_at=None if made.is_delivered else next_try(count, now),
                )

    def resend(self, uids: Collection[str], endpoint_id: int | None = None) -> int:
        """
        Deliver announced events once more.
        """
        now, again = self._clock(), 0
        if endpoint_id is not None:
            endpoint = self._endpoints[endpoint_id]
            for event in self._events:
                is_new = (endpoint_id, event.uid) not in self._deliveries
                is_its = event.producer == endpoint.producer and endpoint.disabled_at is None
                if event.uid in uids and event.position and is_new and is_its:
                    self._deliver(endpoint_id, event)
        active = {e.id for e in self._endpoints.values() if e.disabled_at is None}
        wanted = active if endpoint_id is None else active & {endpoint_id}
        for (place, uid), one in self._deliveries.items():
            if uid in uids and place in wanted:
                fresh = replace(one, tries=0, next_at=now, delivered_at=None)
                self._deliveries[place, uid] = fresh
                self._due_at[one.id] = now
                again += 1
        return again

    def resend_since(self, endpoint_id: int, since: datetime) -> int:
        """
        Deliver once more what an endpoint was told of all that happened since.
        """
        told = {uid for place, uid in self._deliveries if place == endpoint_id}
        return self.resend(
            {e.uid for e in self._events if e.uid in told and e.at >= since}, endpoint_id
        )

    def add_endpoint(
        self,
        producer: str,
        kind: EndpointKind,
        address: str,
        types: Collection[EventType],
        *,
        is_private: bool = False,
        key: str | None = None,
    ) -> int:
        """
        Have a producer's events told there from now on.
        """
        made = next(self._ids["endpoints"])
        keys = () if key is None else (key,)
        self._endpoints[made] = Endpoint(
            *(made, producer, kind, address, frozenset(types), is_private),
            created_at=self._clock(),
            keys=keys,
        )
        return made

    def rotate_key(self, endpoint_id: int, key: str, overlap: timedelta) -> None:
        """
        Sign with another key; the one before signs as well for a while.
        """
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or endpoint.disabled_at or not endpoint.keys:
            raise NotAllowed(f"there is no active webhook {endpoint_id}")
        self._endpoints[endpoint_id] = replace(endpoint, keys=(key, endpoint.keys[0]))
        self._key_ends[endpoint_id] = self._clock() + overlap

    def disable_endpoint(self, endpoint_id: int) -> None:
        """
        Tell it nothing more; what waits for it is given up.
        """
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or endpoint.disabled_at:
            raise NotAllowed(f"there is no active endpoint {endpoint_id}")
        self._endpoints[endpoint_id] = replace(endpoint, disabled_at=self._clock())
        own = [one for (place, _), one in self._deliveries.items() if place == endpoint_id]
        self._put(endpoint_id, [replace(one, next_at=None) for one in own])

    def retry_endpoint(self, endpoint_id: int) -> int:
        """
        Try now all that waits for it.
        """
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or endpoint.disabled_at:
            raise NotAllowed(f"there is no active endpoint {endpoint_id}")
        own = [one for (place, _), one in self._deliveries.items() if place == endpoint_id]
        waiting = [one for one in own if one.next_at is not None]
        self._put(endpoint_id, [replace(o, next_at=self._clock(), tries=0) for o in waiting])
        return len(waiting)

    def events(
        self,
        limit: int,
        *,
        after: int | None = None,
        producer: str | None = None,
        out_trade_no: str | None = None,
    ) -> Sequence[Event]:
        """
        The newest events, or those announced after a position.
        """
        found = [
            event
            for event in self._events
            if (producer is None or event.producer == producer)
            and (out_trade_no is None or event.out_trade_no == out_trade_no)
        ]
        if after is None:
            return found[::-1][:limit]
        later = [event for event in found if event.position and event.position > after]
        return sorted(later, key=lambda event: event.position or 0)[:limit]

    def last_position(self) -> int:
        """
        That of the newest event which was announced.
        """
        return max((event.position or 0 for event in self._events), default=0)

    def unannounced_since(self) -> datetime | None:
        """
        When the oldest event happened that no relay has announced.
        """
        return min((e.at for e in self._events if e.position is None), default=None)

    def event(self, uid: str) -> Event:
        """
        One event. Raises `NoSuchEvent`.
        """
        for event in self._events:
            if event.uid == uid:
                return event
        raise NoSuchEvent(f"there is no event {uid}")

    def deliveries(self, event: Event) -> Sequence[tuple[str, Delivery, Sequence[Tried]]]:
        """
        Where an event goes, how far it is on its way, and each try.
        """
        return [
            (self._endpoints[endpoint].address, one, self._tried[one.id])
            for (endpoint, uid), one in self._deliveries.items()
            if uid == event.uid
        ]

    def backlogs(self) -> Sequence[Backlog]:
        """
        What each active endpoint has not taken yet.
        """
        found = []
        for endpoint in self._endpoints.values():
            if endpoint.disabled_at is None:
                own = [o for (place, _), o in self._deliveries.items() if place == endpoint.id]
                waits = [self._due_at[o.id] for o in own if o.next_at is not None]
                oldest = min(waits, default=None)
                found.append(Backlog(endpoint.id, endpoint.address, len(waits), oldest))
        return found

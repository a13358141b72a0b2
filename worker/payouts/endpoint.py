"""
Endpoints: where a producer hears of events, and what became of each telling.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.payouts.event import Event, EventType


class EndpointKind(enum.StrEnum):
    """
    How an endpoint is told.
    """

    WEBHOOK = "webhook"  #: a POST to a URL, signed as Standard Webhooks
    QUEUE = "queue"  #: a Celery task `payouts.event` on a queue of the producer's


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One place that wants to hear of a producer's events.
    """

    id: int
    producer: str
    kind: EndpointKind
    #: A URL, or the name of a queue.
    address: str
    #: The types that it wants; none: all.
    types: frozenset[EventType]
    #: Whether an address that is not public was allowed for it.
    is_private: bool
    created_at: datetime
    disabled_at: datetime | None = None
    #: What signs what it is told, the newest first; none for a queue. One that no key of the
    #: keyring opens is missing.
    keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lacks_key(self) -> bool:
        """
        Whether nothing can sign what it would be told, so it is told nothing until its key is back.
        """
        return self.kind is EndpointKind.WEBHOOK and not self.keys

    def wants(self, event: Event) -> bool:
        """
        Whether an event is for it.
        """
        return event.producer == self.producer and (not self.types or event.type in self.types)


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    An event on its way to an endpoint.
    """

    id: int
    event: Event
    #: How often it was tried.
    tries: int
    next_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """
    What came of trying a delivery once. `outcome` is an HTTP status, or why there is none.
    """

    delivery_id: int
    is_delivered: bool
    outcome: str
    took: timedelta


@dataclass(frozen=True, slots=True)
class Tried:
    """
    A try, as it is kept.
    """

    at: datetime
    outcome: str
    took: timedelta


@dataclass(frozen=True, slots=True)
class Backlog:
    """
    What an endpoint has not taken yet.
    """

    endpoint_id: int
    address: str
    waiting: int
    #: When the oldest of these was due first.
    oldest_at: datetime | None


#: So long after the try before each further one is made: three days in all.
RETRIES: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=16),
    timedelta(hours=24),
)


def next_try(tries: int, now: datetime) -> datetime | None:
    """
    When a delivery that failed so often is tried again; None once it is given up.
    """
    return now + RETRIES[tries - 1] if tries <= len(RETRIES) else None

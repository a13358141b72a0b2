"""
The people who decide about money, as they are registered.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.payouts.person import Register


@dataclass(frozen=True, slots=True)
class Registered:
    """
    A user of the operating system who may decide with another, for as long as they are listed.
    """

    uid: int
    #: What people call them; it may hold anything.
    name: str
    added_by: str
    added_why: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Registrations:
    """
    Who was ever listed, and as whom workers were ever started.
    """

    #: Uid, since when, and until when: None while the user is listed.
    people: tuple[tuple[int, datetime, datetime | None], ...] = ()
    #: Uid, and since when it is known.
    services: tuple[tuple[int, datetime], ...] = ()

    def as_of(self, at: datetime) -> Register:
        """
        Who might decide at that moment.
        """
        return Register(
            frozenset(
                uid
                for uid, since, until in self.people
                if since <= at and (until is None or at < until)
            ),
            frozenset(uid for uid, since in self.services if since <= at),
        )

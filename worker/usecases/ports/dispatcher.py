"""
Waking workers, as the use cases see it.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Room:
    """
    How many more wake-ups of each kind may wait for a worker.
    """

    sends: int
    queries: int


class Dispatcher(Protocol):
    """
    Wakes a worker. A hint: it may be lost, late or repeated, and it never raises.
    """

    def room(self) -> Room:
        """
        How many more wake-ups are of use; none where nobody could be woken.
        """

    def submit(self, payout_id: int) -> None:
        """
        Ask for `Sender.send`.
        """

    def query(self, payout_id: int) -> None:
        """
        Ask for `Querier.follow_up`.
        """

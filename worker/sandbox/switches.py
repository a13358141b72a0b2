"""
What the gateway's other parts share with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.sandbox.behaviour import Notice


@dataclass(slots=True)
class Switches:
    """
    What is wrong with the channel as a whole; may be changed while the gateway runs.
    """

    drop_notifications: bool = False
    drop_replies: bool = False  #: those to submits: processed, but never answered


class Announcer(Protocol):
    """
    Who sends the notifications of a booked order.
    """

    def announce(self, number: str, notices: Sequence[Notice]) -> None:
        """
        Send these when they are due, in this order.
        """

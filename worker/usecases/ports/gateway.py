"""
JD Pay, as the use cases see it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from worker.payouts.evidence import Answer
from worker.payouts.model import Order, Terms


class Gateway(Protocol):
    """
    JD Pay, or anything that speaks like it.
    """

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        Return the exact canonical text to be stored, then sent, then sent again.
        """

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Transmit a stored request and return the answer, verified or not.

        `before_connect` runs immediately before each connection, safe retries included; what it
        raises passes through unchanged, and nothing was sent by that try. Raises `NotSent` or
        `MaybeSent`.
        """

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Ask what became of a number. Raises `NotSent` or `MaybeSent`, which mean the same here.
        """

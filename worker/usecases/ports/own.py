"""
A producer's own payouts, looked up without any key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from worker.payouts.event import Event
from worker.payouts.own import OwnPayout, Wanted
from worker.usecases.ports.producers import TokenReads


class OwnReads(TokenReads, Protocol):
    """
    What a process can tell producers that holds no key.
    """

    def now(self) -> datetime:
        """
        The database's clock, aware UTC.
        """

    def own_payout(self, customer_no: str, producer: str, out_trade_no: str) -> OwnPayout:
        """
        The producer's payout with that number. Raises `NoSuchPayout`, also where it is another's.
        """

    def own_payouts(
        self, customer_no: str, producer: str, wanted: Wanted, limit: int
    ) -> Sequence[OwnPayout]:
        """
        The producer's payouts that are wanted, the last accepted first, read in one snapshot.

        Raises `NoSuchPayout` if `wanted.behind` is no number of the producer's.
        """

    def events(
        self,
        limit: int,
        *,
        after: int | None = None,
        producer: str | None = None,
        out_trade_no: str | None = None,
    ) -> Sequence[Event]:
        """
        The newest events; or, oldest first, those announced after a position.
        """

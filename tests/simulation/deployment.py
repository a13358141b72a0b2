"""
The settings that processes run with: at any moment others may come, and not all restart at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Protocol

from tests.factories import MERCHANT, TERMS
from worker.jdpay import client
from worker.payouts.evidence import Answer
from worker.payouts.model import Order, Terms
from worker.usecases.ports import Gateway

#: Another merchant of the same house, with keys of its own.
OTHER = "360080000000000002"
MERCHANTS = (MERCHANT, OTHER)
HOME, MOVED = TERMS.gateway_url, "https://127.0.0.1:9444"
#: Somebody's test environment, which knows none of our merchants.
WRONG = "https://127.0.0.1:9999"
#: How often a process still has the settings from before.
_STALE = 0.15


def owner(number: str) -> str:
    """
    The merchant whose producers use a number.
    """
    return OTHER if number.startswith("N-") else MERCHANT


@dataclass(frozen=True)
class Settings:
    """
    Whose keys a process has, where new payouts go, and where else it may speak.
    """

    merchant: str = MERCHANT
    address: str = HOME
    former: tuple[str, ...] = ()

    @property
    def allowed(self) -> frozenset[str]:
        """
        The only addresses at which it may speak.
        """
        return frozenset({self.address, *self.former})

    @property
    def terms(self) -> Terms:
        """
        What a payout gets that is accepted with them.
        """
        return replace(TERMS, customer_no=self.merchant, gateway_url=self.address)


class Deployment:
    """
    The settings in force, and those before them.
    """

    def __init__(self, rng: Random, *, changes: bool) -> None:
        self._rng = rng
        self.changes = changes
        self.current = self.before = Settings()
        self._healed = False

    def change(self) -> None:
        """
        Put other settings in force.
        """
        rng = self._rng
        address = rng.choice((HOME, MOVED, WRONG))
        former = tuple(a for a in (HOME, MOVED, WRONG) if a != address and rng.random() < 0.5)
        merchant = OTHER if rng.random() < 0.3 else MERCHANT
        self.before, self.current = self.current, Settings(merchant, address, former)

    def heal(self) -> None:
        """
        Put those in force that are right from now on; what was at other places stays there.
        """
        if self.changes:
            former = self._rng.choice(((MOVED, WRONG), (MOVED, WRONG), (MOVED,), ()))
            self.before = self.current = Settings(MERCHANT, HOME, former)
            self._healed = True

    def is_out_of_reach(self, terms: Terms) -> bool:
        """
        Whether nobody may speak any more where a payout is.
        """
        return self._healed and terms.gateway_url not in self.current.allowed

    def of_a_process(self, merchant: str | None = None) -> Settings:
        """
        Those of one that works now. Once all is well, each merchant has processes of its own.
        """
        if not self.changes:
            return self.current
        if self._healed:
            return replace(self.current, merchant=merchant or self._rng.choice(MERCHANTS))
        return self.before if self._rng.random() < _STALE else self.current


class Place(Gateway, Protocol):
    """
    A model of JD, and of a place that knows none of our merchants.
    """

    def turn_away(self, request: str, before_connect: Callable[[], None]) -> Answer:
        """
        Refuse an order.
        """

    def deny(self, number: str, asked_at: datetime) -> Answer:
        """
        Know nothing of a number.
        """


class Wire:
    """
    JD as one process reaches it: the real check of the address, and then whoever is there.

    `speaks` hears, before anything is said, to whom, with which settings, and about which number.
    """

    def __init__(self, jd: Place, settings: Settings, speaks: Callable[..., None]) -> None:
        self._jd = jd
        self._settings = settings
        self._speaks = speaks

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        The request.
        """
        return self._jd.render(order, terms, requested_at)

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Carry an order to where its row says, if that may be.
        """
        address = client.where(terms, self._settings.allowed)
        self._speaks(self._settings, terms, request.partition("|")[0])
        if address == WRONG:
            return self._jd.turn_away(request, before_connect)
        return self._jd.submit(request, terms, before_connect)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Ask where its row says, if that may be.
        """
        address = client.where(terms, self._settings.allowed)
        self._speaks(self._settings, terms, out_trade_no, asked_at)
        if address == WRONG:
            return self._jd.deny(out_trade_no, asked_at)
        return self._jd.query(out_trade_no, terms, asked_at)

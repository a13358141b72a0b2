"""
A relay that dies at any effect, before or after it: no event is lost, and none comes out of order.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from tests.doubles.ledger import MemoryLedger
from tests.factories import NOON, TERMS, an_order
from tests.simulation.effects import guarded
from worker.payouts.acceptance import Entry
from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.event import Event
from worker.payouts.policy.actions import Action, decide
from worker.usecases.relay import Relay

_LEASE = timedelta(minutes=1)
#: More effects than one relay has for all events.
_EFFECTS = 60


class Died(BaseException):
    """
    The process ended here.
    """


class Place:
    """
    Two payouts with three events each, and a server that hears of them.
    """

    def __init__(self) -> None:
        self.now = NOON
        self.heard: list[Event] = []
        self.ledger = MemoryLedger(lambda: self.now)
        kind, url = EndpointKind.WEBHOOK, "https://shop.example/"
        self.ledger.add_endpoint(an_order().producer, kind, url, (), key="whsec_YQ==")
        for number in ("P-1", "P-2"):
            (payout_id,) = self.ledger.accept([Entry(an_order(number))], TERMS)
            assert payout_id is not None
            for action in (Action.CANCEL, Action.RELEASE):
                dossier = self.ledger.dossier(payout_id)
                self.ledger.carry_out(dossier, decide(action, dossier, "mei", "wanted"))

    def tell(self, _endpoint: Endpoint, event: Event) -> tuple[bool, str]:
        """
        Hear of an event, and say so.
        """
        self.heard.append(event)
        return True, "204"

    def begin(self) -> int:
        """
        Nothing to be got ready.
        """
        return 0

    def lost(self, since: int) -> None:
        """
        Nothing is lost.
        """

    def relay(self, around: Callable[..., Any]) -> None:
        """
        Tell all that waits, with something around every effect.
        """
        ledger = guarded("outbox_ledger", self.ledger, around)
        courier = guarded("courier", self, around)
        relay = Relay(ledger, lambda _kind: courier, _LEASE, lambda: 0.0)
        relay.announce()
        for endpoint in relay.active().values():
            while relay.deliver(endpoint, 2, map):
                pass


def _plainly(_effect: str, method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return method(*args, **kwargs)


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_it_dies_at_each_effect(is_before: bool) -> None:
    """
    Another relay tells what is left once the lease is over, and what was told may come again.
    """
    died_at = set()
    for place in range(_EFFECTS):
        passed = count()
        shop = Place()

        def around(
            effect: str, method: Any, args: Any, kwargs: Any, passed: Any = passed, at: int = place
        ) -> Any:
            is_it = next(passed) == at
            if is_it and is_before:
                died_at.add(effect)
                raise Died
            result = method(*args, **kwargs)
            if is_it:
                died_at.add(effect)
                raise Died
            return result

        try:
            shop.relay(around)
        except Died:
            shop.now += _LEASE
            shop.relay(_plainly)
        first = list({event.uid: event for event in shop.heard}.values())
        assert len(first) == 6
        for number in ("P-1", "P-2"):
            versions = [event.version for event in first if event.out_trade_no == number]
            assert versions == sorted({*versions})
        assert len(shop.heard) <= 6 + 2, "only what was in hand is told again"

    assert died_at == {
        *("outbox_ledger.announce", "outbox_ledger.endpoints", "outbox_ledger.claim_deliveries"),
        *("courier.begin", "courier.tell", "courier.lost", "outbox_ledger.note_tries"),
    }

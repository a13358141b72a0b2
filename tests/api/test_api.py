"""
Generated requests find nothing, and would find what is planted.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.api.__main__ import run
from tests.api.service import serving
from worker.payouts.event import Event
from worker.payouts.own import OwnPayout
from worker.payouts.status import PayoutStatus
from worker.usecases.own_payouts import OwnPayouts

#: A share of what ``python -m tests.api`` tries.
_EXAMPLES = 15

#: The same each time: what is new is for the command to find.
_SEED = 20261128


def test_what_is_documented_is_so(tmp_path: Path) -> None:
    """
    Every check of schemathesis and ours, in all phases, as each of two producers.
    """
    with serving(tmp_path) as service:
        pairs = service.producers
        codes = [run(service, *pair, _EXAMPLES, _SEED) for pair in (pairs, pairs[::-1])]
        accepted = service.ledger.count()
        withdrawn = service.ledger.count(PayoutStatus.CANCELLED)

    assert codes == [0, 0]
    # It got in, and further than that.
    assert accepted >= 10
    assert withdrawn >= 1


class Leaky(OwnPayouts):
    """
    Finds whatever payout has the number.
    """

    def find(self, producer: str, out_trade_no: str) -> OwnPayout:
        """
        Ask as whoever owns it.
        """
        ledger = self._ledger
        found = ledger.numbered(out_trade_no)  # type: ignore[attr-defined]
        return super().find(found[0].producer if found else producer, out_trade_no)


class Talkative(OwnPayouts):
    """
    Tells everybody's events.
    """

    def events(
        self, producer: str, after: int, out_trade_no: str | None, limit: int
    ) -> Sequence[Event]:
        """
        Ask for nobody in particular.
        """
        return self._ledger.events(limit, after=after, out_trade_no=out_trade_no)


@pytest.mark.parametrize("leak", [Leaky, Talkative])
def test_a_leak_would_be_found(tmp_path: Path, leak: type[OwnPayouts]) -> None:
    """
    A payout that another producer sees, or an event that it hears, is a failure.
    """
    with serving(tmp_path, leak) as service:
        code = run(service, *service.producers, 5, _SEED)

    assert code == 1

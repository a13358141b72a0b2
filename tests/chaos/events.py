"""
The promises about events, by what the ledger has and what a shop heard.
"""

from collections.abc import Iterator, Sequence

from tests.chaos.heard import Hearing
from worker.payouts.event import Event


def unheard(events: Sequence[Event], heard: Sequence[Hearing]) -> list[Event]:
    """
    What was never heard.
    """
    uids = {one.uid for one in heard}
    return [event for event in events if event.uid not in uids]


def disorder(heard: Sequence[Hearing]) -> Iterator[str]:
    """
    What was heard after something later of its payout.
    """
    last: dict[str | None, tuple[int, int]] = {}
    for one in heard:
        place = one.epoch, one.version
        # Version 0 is no payout's: nothing is promised of the order in which jobs are rejected.
        if one.version and place < last.get(one.number, (0, 0)):
            yield f"event {one.uid}: {one.number} was heard in another order"
        last[one.number] = max(place, last.get(one.number, (0, 0)))


def behind(events: Sequence[Event], heard: Sequence[Hearing]) -> Iterator[str]:
    """
    The payouts of which the latest that was heard is not the latest that happened.
    """
    happened = _latest((one.out_trade_no, one.epoch, one.version) for one in events)
    told = _latest((one.number, one.epoch, one.version) for one in heard)
    for number, place in happened.items():
        if told.get(number) != place:
            yield f"{number}: epoch and version {place} were not the last to be heard"


def _latest(
    found: Iterator[tuple[str | None, int, int]],
) -> dict[str | None, tuple[int, int]]:
    last: dict[str | None, tuple[int, int]] = {}
    for number, epoch, version in found:
        last[number] = max((epoch, version), last.get(number, (0, 0)))
    return last

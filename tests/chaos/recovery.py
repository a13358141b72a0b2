"""
How soon work goes on after a fault, read from the histories afterwards.
"""

import statistics
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.model import Transition
from worker.payouts.status import PayoutStatus


@dataclass(frozen=True, slots=True)
class Recovery:
    """
    After one fault began, in seconds; None where nothing was there to wait for.
    """

    #: Until the first payout that was under way moved on.
    first: float | None
    #: Until the last payout that was being sent had moved on.
    last_sent: float | None


def after(began: datetime, histories: Iterable[Sequence[Transition]]) -> Recovery:
    """
    Measure one fault over the histories of all payouts, each oldest first.
    """
    first: list[float] = []
    sent: list[float] = []
    for history in histories:
        place = bisect_right(history, began, key=lambda move: move.at)
        if place in {0, len(history)} or history[place - 1].to_status.is_final:
            continue
        seconds = (history[place].at - began).total_seconds()
        first.append(seconds)
        if history[place - 1].to_status is PayoutStatus.SENDING:
            sent.append(seconds)
    return Recovery(min(first, default=None), max(sent, default=None))


def summary(seconds: Iterable[float | None]) -> Mapping[str, float] | None:
    """
    Median, 99th percentile and maximum of those that there are.
    """
    found = sorted(one for one in seconds if one is not None)
    if not found:
        return None
    rank = min(len(found) - 1, round(0.99 * (len(found) - 1)))
    return {"median": statistics.median(found), "p99": found[rank], "max": found[-1]}

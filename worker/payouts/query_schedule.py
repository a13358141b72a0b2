"""
When to ask JD again: a pure schedule, without a counter.

The next question is the first due time after the moment at which the last answered question was
asked. So a worker that was away for three hours asks once, not three times, and nothing has to be
counted or kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from worker.payouts.durations import parse_duration


@dataclass(frozen=True, slots=True)
class Stretch:
    """
    A part of the tail: ask at this interval, for this long; without end if `lasting` is None.
    """

    every: timedelta
    lasting: timedelta | None = None


def parse_tail(text: str) -> tuple[Stretch, ...]:
    """
    Read a tail, ``1h/1d,6h/7d,1d/30d,7d``: hourly for a day, and so on; the last one never ends.

    Raises `ValueError`.
    """
    stretches = []
    for part in text.split(","):
        every, slash, lasting = part.partition("/")
        stretches.append(Stretch(parse_duration(every), parse_duration(lasting) if slash else None))
    if any(s.lasting is None for s in stretches[:-1]) or stretches[-1].lasting is not None:
        raise ValueError(
            f"{text!r}: every stretch but the last has a length, and the last has none"
        )
    if any(s.every <= timedelta(0) for s in stretches):
        raise ValueError(f"{text!r}: an interval must be longer than zero")
    return tuple(stretches)


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    The follow-up queries of a payout.

    `ladder` counts from each transmission, at the intervals of JD's own notifications; `tail` goes
    on from its last step, so that asking never ends in silence; `return_queries` count from
    success, since a bank can send money back for weeks (退票) and that notification can be lost.
    """

    ladder: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=3),
        timedelta(minutes=10),
        timedelta(minutes=120),
    )
    tail: tuple[Stretch, ...] = (
        Stretch(timedelta(hours=1), timedelta(days=1)),
        Stretch(timedelta(hours=6), timedelta(days=7)),
        Stretch(timedelta(days=1), timedelta(days=30)),
        Stretch(timedelta(days=7)),
    )
    return_queries: tuple[timedelta, ...] = (
        timedelta(days=1),
        timedelta(days=2),
        timedelta(days=3),
        timedelta(days=7),
        timedelta(days=15),
        timedelta(days=30),
    )
    #: A question without a verified answer is asked again after this, doubling up to the longest.
    retry_first: timedelta = timedelta(seconds=30)
    retry_longest: timedelta = timedelta(minutes=10)

    @property
    def patience(self) -> timedelta:
        """
        How long after a transmission the bounded part of the schedule ends.
        """
        bounded = (s.lasting for s in self.tail if s.lasting is not None)
        return self.ladder[-1] + sum(bounded, timedelta(0))

    @property
    def longest(self) -> timedelta:
        """
        The longest that it ever waits from one question to the next.
        """
        every = (s.every for s in self.tail)
        steps = (later - at for at, later in pairwise((timedelta(0), *self.return_queries)))
        return max(self.ladder[-1], *every, *steps)

    def retry(self, misses: int) -> timedelta:
        """
        How long to wait for an answer before asking again, after so many misses.
        """
        return doubled(self.retry_first, self.retry_longest, misses)

    def after_transmission(self, sent_at: datetime, answered_at: datetime | None) -> datetime:
        """
        The next question about a payout without a final answer.
        """
        due = (sent_at + offset for offset in self._endless())
        return next(at for at in due if answered_at is None or at > answered_at)

    def after_success(self, paid_at: datetime, answered_at: datetime | None) -> datetime | None:
        """
        The next question about a paid payout; None once they are over.
        """
        due = (paid_at + offset for offset in self.return_queries)
        return next((at for at in due if answered_at is None or at > answered_at), None)

    def _endless(self) -> Iterator[timedelta]:
        yield from self.ladder
        offset = self.ladder[-1]
        for stretch in self.tail:
            end = None if stretch.lasting is None else offset + stretch.lasting
            while end is None or offset + stretch.every <= end:
                offset += stretch.every
                yield offset


def doubled(first: timedelta, longest: timedelta, times: int) -> timedelta:
    """
    Return `first`, doubled so many times, but never more than `longest`.
    """
    factor: int = 1 << min(times, 30)
    return min(longest, first * factor)

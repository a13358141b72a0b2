"""
How fast we may be at JD: a token bucket, kept as the one moment at which it is full again.

Each send takes a token, and so does each question, from a bucket of its own. Times are aware UTC.
"""

import enum
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)
_UNITS = {"s": _SECOND, "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_FASTEST = 1_000_000


class PaceKind(enum.StrEnum):
    """
    What a pace is kept for.
    """

    SEND = "send"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Pace:
    """
    So many in so much time. A second's worth of them, or at least one, may go out at once.
    """

    count: int
    per: timedelta = _SECOND

    def __post_init__(self) -> None:
        if not (self.count > 0 and self.per > timedelta(0) and self.count * _SECOND <= self._most):
            raise ValueError("a pace is one an hour at least, and a million a second at most")

    @property
    def _most(self) -> timedelta:
        return _FASTEST * self.per

    @property
    def every(self) -> timedelta:
        """
        How long it takes until there is one more token.
        """
        return self.per / self.count

    @property
    def burst(self) -> int:
        """
        How many tokens the bucket holds.
        """
        return max(1, _SECOND // self.every)

    def left(self, full_at: datetime | None, now: datetime) -> int:
        """
        How many tokens there are at `now`, in a bucket that is full again at `full_at`.
        """
        return self.burst - -(-self._owed(full_at, now) // self.every)

    def spend(self, tokens: int, full_at: datetime | None, now: datetime) -> datetime:
        """
        When the bucket is full again once so many tokens were taken of those that are left.
        """
        return now + self._owed(full_at, now) + tokens * self.every

    def wait(self, full_at: datetime | None, now: datetime) -> timedelta:
        """
        How long to wait for more tokens: until a quarter of the bucket is there, at least one.
        """
        missing = self.burst - max(1, self.burst // 4)
        return max(timedelta(0), self._owed(full_at, now) - missing * self.every)

    def _owed(self, full_at: datetime | None, now: datetime) -> timedelta:
        """
        How far the bucket is from full.

        A moment that this pace cannot have come to was written by another one, or by a clock that
        was ahead: it counts for nothing, or sending would stand still until then.
        """
        if full_at is None or not now < full_at <= now + self.burst * self.every:
            return timedelta(0)
        return full_at - now

    def __str__(self) -> str:
        unit = next((u for u, length in _UNITS.items() if length == self.per), f"{self.per}")
        return f"{self.count}/{unit}"


def parse_pace(text: str) -> Pace:
    """
    Read ``10/s``, ``300/m`` or ``1000/h``. Raises `ValueError`.
    """
    found = re.fullmatch(r"([0-9]{1,7})/([smh])", text.strip())
    if found is None:
        raise ValueError("a pace is a number for each second, minute or hour: 10/s, 300/m, 1000/h")
    return Pace(int(found[1]), _UNITS[found[2]])

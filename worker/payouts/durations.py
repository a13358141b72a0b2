"""
Durations as people write them in settings: ``90s``, ``3m``, ``2h``, ``1d``, ``0.5s``.
"""

import re
from datetime import timedelta

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[smhd])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """
    Read one duration, a number with its unit. Raises `ValueError` that shows the form.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, as 90s, 3m, 2h")
    try:
        return timedelta(seconds=float(match["number"]) * _UNITS[match["unit"]])
    except OverflowError:
        raise ValueError(f"{text!r} is longer than any calendar") from None


def parse_durations(text: str) -> tuple[timedelta, ...]:
    """
    Read rising durations with commas between: ``1m,3m,10m,120m``. Raises `ValueError`.
    """
    durations = tuple(parse_duration(part) for part in text.split(","))
    if list(durations) != sorted(set(durations)):
        raise ValueError(f"{text!r} must rise from step to step")
    return durations

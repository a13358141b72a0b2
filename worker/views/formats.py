"""
Single values, for machines and for people.
"""

import math
from datetime import UTC, datetime, timedelta


def iso(moment: datetime | None) -> str | None:
    """
    A time as machines read it: ISO 8601, UTC.
    """
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown(text: str) -> str:
    """
    Text from outside as a terminal may show it: what is no printable character is escaped.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(value: object) -> str:
    """
    A value as people read it; a time in UTC.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    return shown(str(value))


def lasting(time: timedelta) -> str:
    """
    About how long something takes: `42 s`, `5 min`, `3 h`; rounded up.
    """
    seconds = math.ceil(time.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{math.ceil(minutes / 60)} h"


def counted(count: int, noun: str) -> str:
    """
    So many of something: `1 payout`, `2 payouts`. The noun is that of one.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

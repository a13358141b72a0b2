"""
JD's times: Beijing time in several forms on the wire, aware UTC everywhere else.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

#: No daylight saving since 1991; the "CST" of JD's Java dates is always this.
BEIJING = timezone(timedelta(hours=8))

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        start=1,
    )
}

_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"

_FORMS = (
    # The usual one in replies to queries: Mon Feb 27 15:03:13 CST 2017
    re.compile(
        rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) (?P<day>\d\d) {_CLOCK} CST (?P<year>\d{{4}})",
        re.ASCII,
    ),
    # Seen in production clients: 2016-12-13 09:30:48
    re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d) {_CLOCK}", re.ASCII),
    # The form of requests: 20240105T093000
    re.compile(
        rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)T{_CLOCK.replace(':', '')}", re.ASCII
    ),
)


def write(moment: datetime) -> str:
    """
    Write an aware time as requests do: ``yyyyMMddTHHmmss``, Beijing time.
    """
    return f"{moment.astimezone(BEIJING):%Y%m%dT%H%M%S}"


def read(text: str) -> datetime | None:
    """
    Read a time in any of JD's forms as aware UTC; None if it is in none of them.
    """
    found = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if found is None:
        return None
    parts = found.groupdict()
    month = _MONTHS.get(parts.pop("month")) or found["month"]
    try:
        return datetime(
            month=int(month), **{name: int(part) for name, part in parts.items()}, tzinfo=BEIJING
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

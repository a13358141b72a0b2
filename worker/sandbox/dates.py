"""
JD's three ways to write a moment. All are Beijing time, which has no summer time.
"""

from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "CST")

#: Written out, since `strftime` would follow the machine's language.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def utc_now() -> datetime:
    """
    The time: the clock that is used unless another one is given.
    """
    return datetime.now(UTC)


def compact(moment: datetime) -> str:
    """
    The form of requests and replies: ``20240105T093000``.
    """
    return f"{moment.astimezone(BEIJING):%Y%m%dT%H%M%S}"


def read_compact(text: str) -> datetime:
    """
    Read the form of requests, with or without its T; raises `ValueError` for any other.
    """
    return datetime.strptime(text.replace("T", "", 1), "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)


def java(moment: datetime) -> str:
    """
    How Java prints a date, the form of a trade's dates: ``Mon Feb 27 15:03:13 CST 2017``.
    """
    local = moment.astimezone(BEIJING)
    day, month = _DAYS[local.weekday()], _MONTHS[local.month - 1]
    return f"{day} {month} {local:%d %H:%M:%S} CST {local.year}"


def scrambled(moment: datetime) -> str:
    """
    The form of `notify_datetime`: ``20172321T102407908`` is 2017-07-21 10:23 and 908 ms.

    JD's pattern ``yyyymmddTHH24MMSS`` means something else in Java: year, minute, day, hour, a
    literal 24, month, milliseconds. The seconds are lost.
    """
    local = moment.astimezone(BEIJING)
    return f"{local:%Y%M%dT%H}24{local:%m}{local.microsecond // 1000:03}"

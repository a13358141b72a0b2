"""
Single values, for machines and for people.
"""

from datetime import UTC, datetime


def iso(moment: datetime | None) -> str | None:
    """
    A time as machines read it: ISO 8601, UTC.
    """
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


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
    return str(value)

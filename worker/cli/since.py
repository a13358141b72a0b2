"""
`--since`: a moment, or how long ago.
"""

import contextlib
from datetime import UTC, datetime, timedelta

import click

from worker.payouts.durations import parse_duration


class Since(click.ParamType[datetime | timedelta]):
    """
    A moment in UTC unless it names another zone, or how long ago.
    """

    name = "DATE|DURATION"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | timedelta:
        """
        Read it. Raises `click.BadParameter`.
        """
        with contextlib.suppress(ValueError):
            return parse_duration(value)
        with contextlib.suppress(ValueError):
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at
        told = f"{value!r} is neither a date, as 2026-11-28, nor a duration, as 2d"
        raise click.BadParameter(told, ctx, param)


def moment(since: datetime | timedelta, now: datetime) -> datetime:
    """
    When that was.
    """
    return now - since if isinstance(since, timedelta) else since

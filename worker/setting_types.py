"""
The kinds of settings that carry a unit: ``90s``, ``1m,3m``, ``1h/1d,7d``, ``10/s``.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from worker.payouts.durations import parse_duration, parse_durations
from worker.payouts.pace import Pace, parse_pace
from worker.payouts.query_schedule import Stretch, parse_tail


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _durations(value: object) -> object:
    return parse_durations(value) if isinstance(value, str) else value


def _tail(value: object) -> object:
    return parse_tail(value) if isinstance(value, str) else value


def _pace(value: object) -> object:
    return parse_pace(value) if isinstance(value, str) else value


#: Longer than nothing: a wait of zero makes a loop.
Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]
Durations = Annotated[tuple[timedelta, ...], BeforeValidator(_durations)]
Tail = Annotated[tuple[Stretch, ...], BeforeValidator(_tail)]
Rate = Annotated[Pace, BeforeValidator(_pace)]

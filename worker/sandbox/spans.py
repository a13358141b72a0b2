"""
Spans of time as a script writes them: ``0.3s``, ``90s``, ``3m``, ``2h``, ``1d``.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FORM = r"^[0-9]{1,9}(\.[0-9]{1,6})?[smhd]$"
_LONGEST = timedelta(days=3650)


def read_span(text: object) -> timedelta:
    """
    Read a number with its unit; raises `ValueError` that shows the form.
    """
    if not isinstance(text, str) or re.fullmatch(_FORM, text, re.ASCII) is None:
        raise ValueError('write a number and a unit, as "0.3s", "90s", "3m", "2h" or "1d"')
    span = timedelta(seconds=float(text[:-1]) * _UNITS[text[-1]])
    if span > _LONGEST:
        raise ValueError(f"at most {_LONGEST.days}d")
    return span


Span = Annotated[
    timedelta,
    PlainValidator(read_span),
    WithJsonSchema({"type": "string", "pattern": _FORM, "examples": ["0s", "0.3s", "3m", "1d"]}),
]

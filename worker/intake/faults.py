"""
What is wrong with the fields of what came in: each with its rule, and never with a value.
"""

import re
from collections.abc import Iterator

from pydantic import ValidationError

_RULES = {
    "missing": "is required",
    "int_type": "must be a whole number, written as an integer",
    "string_type": "must be a string",
}


def told(error: ValidationError, unknown: str) -> Iterator[str]:
    """
    Each fault as ``field: rule``; `unknown` is the rule that a field breaks that there is not.
    """
    for fault in error.errors():
        rule = _RULES.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            rule = unknown
        yield f"{_path(fault['loc'])}: {rule}"


def _path(location: tuple[int | str, ...]) -> str:
    """
    Name the faulty field, if its name cannot be someone's data.
    """
    name = str(location[0]) if location else "job"
    return name if _FIELD_NAME.fullmatch(name) else "a field"


_FIELD_NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)

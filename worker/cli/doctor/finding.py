"""
What a check found.
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass


class Level(enum.StrEnum):
    """
    How bad it is.
    """

    OK = "ok"
    WARNING = "warning"  #: it works, for now or not as it should
    FAULT = "fault"  #: payouts cannot be made, or not safely


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What was seen and, unless all is well, what to do. Never a secret.
    """

    level: Level
    seen: str
    remedy: str = ""


#: One thing looked at; it may find several things.
Check = Callable[[], Iterator[Finding]]


def ok(seen: str, remark: str = "") -> Finding:
    """
    All is well.
    """
    return Finding(Level.OK, seen, remark)


def warning(seen: str, remedy: str) -> Finding:
    """
    It works, but someone should look.
    """
    return Finding(Level.WARNING, seen, remedy)


def fault(seen: str, remedy: str) -> Finding:
    """
    It does not work.
    """
    return Finding(Level.FAULT, seen, remedy)

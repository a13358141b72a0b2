"""
Work that was claimed in one commit.
"""

from collections.abc import Callable
from dataclasses import dataclass

#: Does one piece of it, in whatever thread.
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Taken:
    """
    Pieces of work to be done side by side.
    """

    works: tuple[Work, ...] = ()
    #: After so many seconds more can be taken; None if nothing else is due.
    more_after: float | None = None

"""
A guard: what is taken away, why money depends on it, and which tests must notice.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """
    One edit of one file. `text` occurs in it exactly once.
    """

    path: str
    text: str
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """
    One guard. Its `changes` together are what it would be to forget it.

    `why` is what could happen to the money then. `tests` are pytest node ids, of modules or of
    functions; at least one of them must fail.
    """

    name: str
    why: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]

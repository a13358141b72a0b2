"""
Evidence as people read it: the same message, told again and again, is one line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from worker.payouts.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Run:
    """
    Messages one after the other that say the same.
    """

    first: Evidence
    last: Evidence
    count: int


def fold(evidence: Sequence[Evidence]) -> tuple[Run, ...]:
    """
    Fold equal messages that follow each other: same source, and the same said in every field.
    """
    runs = []
    for _, group in groupby(evidence, key=lambda piece: (piece.source, _said(piece))):
        pieces = list(group)
        runs.append(Run(pieces[0], pieces[-1], len(pieces)))
    return tuple(runs)


def _said(piece: Evidence) -> object:
    # The bytes differ where JD repeats itself: each answer has a time and a signature of its own.
    return replace(piece.answer, raw=b"")

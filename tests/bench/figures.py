"""
What a benchmark finds: figures with a unit, each measured a few times.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One figure: every sample of it, in the order in which they were taken.
    """

    name: str
    unit: str
    samples: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError(f"{self.name}: no sample was taken")

    @property
    def median(self) -> float:
        """
        The sample in the middle.
        """
        return statistics.median(self.samples)

    def as_dict(self) -> dict[str, Any]:
        """
        The figure as the document has it.
        """
        return {
            "name": self.name,
            "unit": self.unit,
            "min": min(self.samples),
            "median": self.median,
            "max": max(self.samples),
            "samples": list(self.samples),
        }


@dataclass(slots=True)
class Samples:
    """
    Gathers samples under names, and makes figures of them in the order of their first sample.
    """

    _found: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, name: str, unit: str, value: float) -> None:
        """
        Add one sample.
        """
        # Six digits are more than any clock here is good for.
        self._found.setdefault((name, unit), []).append(float(f"{value:.6g}"))

    def figures(self) -> list[Figure]:
        """
        All figures.
        """
        return [Figure(name, unit, tuple(found)) for (name, unit), found in self._found.items()]


@dataclass(frozen=True, slots=True)
class Result:
    """
    What one benchmark found, and under which conditions.
    """

    name: str
    #: What was done, in a sentence.
    what: str
    #: Sizes and settings that the figures depend on.
    conditions: Mapping[str, str | int | float]
    figures: Sequence[Figure]
    #: The machine's load averages as the benchmark began and as it ended.
    load_before: tuple[float, float, float] = (0.0, 0.0, 0.0)
    load_after: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def as_dict(self) -> dict[str, Any]:
        """
        The result as the document has it.
        """
        return {
            "name": self.name,
            "what": self.what,
            "conditions": dict(self.conditions),
            "load_average": {"before": list(self.load_before), "after": list(self.load_after)},
            "figures": [figure.as_dict() for figure in self.figures],
        }

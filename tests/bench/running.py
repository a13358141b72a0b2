"""
A run: one benchmark after the other, and the document of what they found.
"""

import importlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.checkout import HERE
from tests.bench.errors import CannotMeasure
from tests.bench.figures import Result
from tests.bench.wanted import Wanted

#: Rises when a document's keys change their meaning.
SCHEMA = 1

#: The modules, in the order in which they run: those that load the machine most come last.
BENCHMARKS = (
    "start",
    "tls",
    "sweep",
    "audit",
    "claims",
    "old_snapshot",
    "database",
    "cpu",
    "throughput",
    "slow_gateway",
    "in_flight",
    "events",
    "follow_ups",
    "kill",
)


def measure(name: str, wanted: Wanted) -> Result:
    """
    Run one benchmark in a folder of its own. Raises `CannotMeasure`.
    """
    module = importlib.import_module(f"tests.bench.{name}")
    before = machine.load_average()
    with tempfile.TemporaryDirectory(prefix="payouts-bench-") as folder:
        found: Result = module.measure(wanted, Path(folder))
    return replace(found, load_before=before, load_after=machine.load_average())


def run(names: Sequence[str], wanted: Wanted, tell: Callable[[str], None]) -> dict[str, Any]:
    """
    Run some benchmarks; return the document. One that fails does not stop the others.
    """
    at, start = datetime.now(UTC), time.monotonic()
    before = machine.load_average()
    results, failed = [], {}
    for name in names:
        began = time.monotonic()
        try:
            results.append(measure(name, wanted).as_dict())
        except CannotMeasure as error:
            failed[name] = str(error)
            tell(f"{name}: failed: {error}")
        else:
            tell(f"{name}: {time.monotonic() - began:.0f} s")
    return {
        "schema": SCHEMA,
        "at": at.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - start, 1),
        "commit": machine.commit(HERE),
        "against": wanted.against.label if wanted.against else None,
        "machine": machine.facts(),
        "load_average": {"before": list(before), "after": list(machine.load_average())},
        "benchmarks": results,
        "failed": failed,
    }

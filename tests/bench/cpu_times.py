"""
The CPU time of a process and all below it, as the kernel counts it.
"""

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def of_tree(pid: int) -> float:
    """
    CPU seconds of a process, of its descendants, and of those of them that were reaped.

    Goes by parents and not by sessions: PostgreSQL gives each of its processes a session.
    """
    stats = {found[0]: found for found in map(_read, _processes()) if found}
    total, waiting = 0, [pid]
    while waiting:
        parent = waiting.pop()
        waiting += [child for child, grand, _ in stats.values() if grand == parent]
        total += stats[parent][2] if parent in stats else 0
    return total / _TICKS_PER_SECOND


def _processes() -> list[Path]:
    return [path for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _read(process: Path) -> tuple[int, int, int] | None:
    """
    A process, its parent, and its ticks with those of the children it reaped.
    """
    try:
        text = (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything; what follows it begins with the third field.
    fields = text.rpartition(")")[2].split()
    return int(process.name), int(fields[1]), sum(map(int, fields[11:15]))

"""
The CPU time of a process and all below it, as the kernel counts it.
"""

import os

from tests.bench import processes

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def of_tree(pid: int) -> float:
    """
    CPU seconds of a process, of its descendants, and of those of them that were reaped.
    """
    return sum(process.ticks for process in processes.tree(pid)) / _TICKS_PER_SECOND

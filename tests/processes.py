"""
Watching processes from outside, as a test has to when it did not start them itself.
"""

import time
from pathlib import Path


def ends(pid: int, timeout: float = 10.0) -> bool:
    """
    Whether a process ends in time. A zombie has ended: whoever must reap it may be slow.
    """
    deadline = time.monotonic() + timeout
    while _runs(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"

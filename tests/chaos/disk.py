"""
A disk that is full for some processes only, and without privileges.

The kernel refuses, with a real error, any write beyond the limit of a process for the size of its
files. Other processes of the same user may lower that limit and raise it again. Databases and logs
are longer, so nothing can be added to them, as on a full disk. Sockets and semaphores go on.
"""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

#: Shorter than what SQLite writes at once, and longer than a semaphore.
NEXT_TO_NOTHING = 4096


def allow_files(group: int, size: int) -> None:
    """
    Let each process of a group write so far into files, and those that it starts from now on.
    """
    # The first in a group started the others: what it starts meanwhile inherits its limit.
    for pid in sorted(_processes(group)):
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def _processes(group: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The name of the program stands in brackets, and may itself hold some.
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                yield int(status.parent.name)

"""
A process and all below it, as the kernel tells of them.

Goes by parents and not by sessions: PostgreSQL gives each of its processes a session.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_ESTABLISHED = "01"


class Process(NamedTuple):
    """
    A process, and its CPU time with that of the children it reaped.
    """

    pid: int
    parent: int
    ticks: int


def tree(pid: int) -> list[Process]:
    """
    A process and its descendants; none if it has ended.
    """
    alive = {found.pid: found for found in map(_read, _processes()) if found}
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        waiting += [one.pid for one in alive.values() if one.parent == parent]
        found += [alive[parent]] if parent in alive else []
    return found


def memory(pid: int) -> float:
    """
    MB of a tree in memory: what processes share is counted once (the proportional set size).
    """
    total = 0
    for process in tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def connections(pid: int, port: int) -> int:
    """
    How many connections a tree has to a port of 127.0.0.1.
    """
    # Local address, remote address and state are the second to fourth field, the inode the tenth.
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    remote = f"0100007F:{port:04X}"
    inodes = {row[9] for row in rows if row[2] == remote and row[3] == _ESTABLISHED}
    return sum(socket in inodes for process in tree(pid) for socket in _sockets(process.pid))


def _sockets(pid: int) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield target.removeprefix("socket:[").removesuffix("]")


def _processes() -> list[Path]:
    return [path for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _read(process: Path) -> Process | None:
    try:
        text = (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything; what follows it begins with the third field.
    fields = text.rpartition(")")[2].split()
    return Process(int(process.name), int(fields[1]), sum(map(int, fields[11:15])))

"""
Who listens on a port of this machine: told where a fixed port is taken.
"""

import contextlib
import errno
import socket
from pathlib import Path

_LISTENING = "0A"
_LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """
    Whether a server may listen on a loopback port.
    """
    try:
        # A server's own way: a port whose last connections are still in TIME_WAIT is free.
        socket.create_server((_LOOPBACK, port)).close()
    except OSError as fault:
        if fault.errno in {errno.EADDRINUSE, errno.EACCES}:
            return False
        raise
    return True


def listener(port: int) -> str | None:
    """
    The process that listens on a port, by id and name; None where the system does not tell.

    Only Linux tells, and of other users' processes to root alone.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(file.readlink()) in wanted for file in (folder / "fd").iterdir()):
                return f"process {folder.name} ({(folder / 'comm').read_text().strip()})"
    return None


def _inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    found.add(inode)
    return found

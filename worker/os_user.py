"""
Who runs this process, by the operating system's word: the one place that says who did something.

An environment variable says nothing of it, since anyone may set one.
"""

import os
import pwd
from pathlib import Path

from worker.payouts.person import Person

_LOGIN_UID = Path("/proc/self/loginuid")

#: How the kernel says that nobody logged in: a service, a container.
_NOBODY = 2**32 - 1


def current() -> Person:
    """
    The user as whom this process runs, and the one who logged in, where the kernel knows.
    """
    uid = os.getuid()
    return Person(uid, name_of(uid), _logged_in())


def name_of(uid: int) -> str:
    """
    The name of a user; none where the system has none, as in a container.
    """
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _logged_in() -> int | None:
    try:
        uid = int(_LOGIN_UID.read_text())
    except (OSError, ValueError):
        return None  # no Linux, or a kernel without audit
    return None if uid == _NOBODY else uid

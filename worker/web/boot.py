"""
How a web process begins: it waits for the database, and ends where that takes a person.
"""

from collections.abc import Callable

from flask import Flask

from worker import logs, startup

#: What gunicorn takes as "failed to boot": it ends. After anything else it starts a worker anew.
_BOOT_FAILURE = 3

#: How long one of gunicorn's workers waits for the database, in seconds: less than the 30 after
#: which gunicorn takes it for hung. The next one waits on.
_PATIENCE = 15.0


def boot(whose: str, make: Callable[[], Flask]) -> Flask:
    """
    Make an app from the environment, once the database can be reached.
    """
    logs.configure("INFO")
    return startup.when_usable(
        whose, make, fault_code=_BOOT_FAILURE, patience=_PATIENCE, longest_pause=2.0
    )

"""
A time that only the test moves, told in the database's place.
"""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from worker.store.clock import Clock
from worker.store.types import UtcDateTime


def telling(now: Callable[[], datetime]) -> Clock:
    """
    A clock for a ledger, which tells what `now` says when a statement is run.
    """
    return sa.bindparam("told", callable_=now, type_=UtcDateTime())

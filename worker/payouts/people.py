"""
The people who decide about money, as they are registered.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """
    A user of the operating system who may decide with another, for as long as they are listed.
    """

    uid: int
    #: What people call them; it may hold anything.
    name: str
    added_by: str
    added_why: str
    added_at: datetime

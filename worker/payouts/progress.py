"""
How far a database has come: what it must never forget unnoticed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """
    The sweeps that were counted in an epoch of a database, and the newest claim for sending.

    Neither goes down while the database is the same: attempts are numbered, and each has a token
    that no other one has.
    """

    #: Tells this database, and this epoch of it, from every other.
    uid: str
    sweeps: int = 0
    #: The newest attempt, and its lease token; 0 and nothing where none is known.
    attempt_id: int = 0
    token: str = ""


def farther(one: Progress, other: Progress) -> Progress:
    """
    All that is known by two of one epoch.
    """
    newest = max(one, other, key=lambda known: known.attempt_id)
    return Progress(one.uid, max(one.sweeps, other.sweeps), newest.attempt_id, newest.token)


def ended(uid: str) -> Progress:
    """
    Farther than any epoch comes: one that was followed by another, and to which no way leads back.
    """
    return Progress(uid, sweeps=10**12)

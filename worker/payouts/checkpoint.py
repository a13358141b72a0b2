"""
What was known of payouts' histories at a moment, in one digest that is told outside the database.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """
    The histories that changed since the one before it. Each digest covers all before.
    """

    number: int
    at: datetime
    #: How many payouts it is about.
    payouts: int
    #: SHA-256, in hex.
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


def digest(before: str, number: int, histories: Iterable[tuple[int, str]]) -> str:
    """
    The digest of a checkpoint, given that of the one before it: payouts by id, with their history.
    """
    told = [before, number, *([payout_id, history] for payout_id, history in histories)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()

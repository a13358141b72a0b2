"""
How evidence is judged inside the transaction that stores it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from worker.payouts.model import Dossier
from worker.payouts.update import Update


@dataclass(frozen=True, slots=True)
class Judge:
    """
    A pure decision, and who takes it: the ledger calls it under the payout's lock.
    """

    #: From all that is known, and the database's time, what the row should say.
    decide: Callable[[Dossier, datetime], Update] = field(repr=False)
    actor: str
    #: So many answers in a row that do not verify stop the channel.
    unverifiable_limit: int


@dataclass(frozen=True, slots=True)
class Judged:
    """
    What came of it: the row as it was, and the update that was written.
    """

    dossier: Dossier = field(repr=False)
    update: Update


@dataclass(frozen=True, slots=True)
class Orphaned:
    """
    No payout has the number that a notification names: a case was opened for it.
    """

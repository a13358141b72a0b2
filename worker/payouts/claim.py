"""
How a payout is claimed for sending, inside the transaction that claims it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.payouts.model import Attempt, Dossier, Order, Payout


@dataclass(frozen=True, slots=True)
class Draft:
    """
    All that deciding about a payout's sending takes, read under its debt's lock.
    """

    dossier: Dossier = field(repr=False)
    order: Order = field(repr=False)
    #: The stored canonical request; None before the first claim.
    request: str | None = field(repr=False)
    #: The database's time, with the lock held.
    at: datetime


@dataclass(frozen=True, slots=True)
class Claimant:
    """
    A pure decision on what is sent, and who takes it: the ledger calls it under the debt's lock.
    """

    #: The canonical request to send; None if the payout may not be sent now.
    decide: Callable[[Draft], str | None] = field(repr=False)
    lease: timedelta
    actor: str


@dataclass(frozen=True, slots=True)
class Claim:
    """
    The right to send one payout once, until its lease ends.
    """

    #: The row as it was before.
    payout: Payout = field(repr=False)
    attempt: Attempt
    request: str = field(repr=False)

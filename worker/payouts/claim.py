"""
How payouts are claimed, for sending and for asking, inside the transaction that claims them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.payouts.model import Attempt, Dossier, Order, Payout
from worker.payouts.pace import Pace
from worker.payouts.sealed_job import KeptSeal, Proof


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
    #: What its producer sealed; None where the job came unsealed.
    proof: Proof | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claimant:
    """
    A pure decision on what is sent, and who takes it: the ledger calls it under the debt's lock.
    """

    #: The canonical request to send; None if the payout may not be sent now.
    decide: Callable[[Draft], str | None] = field(repr=False)
    lease: timedelta
    actor: str
    #: The merchant whose pace it is.
    customer_no: str
    pace: Pace
    #: What was looked at and may not be sent is looked at again after this.
    again_after: timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """
    The right to send one payout once, until its lease ends.
    """

    #: The row as it was before.
    payout: Payout = field(repr=False)
    attempt: Attempt
    order: Order = field(repr=False)
    request: str = field(repr=False)
    #: What its producer sealed; None where the job came unsealed.
    seal: KeptSeal | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claims:
    """
    What one commit claimed, and what it left.
    """

    claims: tuple[Claim, ...] = ()
    #: How many payouts were looked at: claimed, put off or withheld.
    looked_at: int = 0
    #: So long the pace holds back what else is due; None if it holds nothing back.
    held_back: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """
    Who asks JD, and how fast.
    """

    customer_no: str
    pace: Pace
    #: After so many questions without an answer, how long until the next one.
    retry: Callable[[int], timedelta] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DueQueries:
    """
    The payouts that one commit claimed for asking, and what it left.
    """

    payout_ids: tuple[int, ...] = ()
    #: So long the pace holds back what else is due; None if it holds nothing back.
    held_back: timedelta | None = None

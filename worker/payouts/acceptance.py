"""
A job that arrives, and what may become of it.
"""

from dataclasses import dataclass, field, fields
from datetime import timedelta

from worker.payouts.model import Order
from worker.payouts.sealed_job import Proof


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What a job asks for, on its way in.
    """

    order: Order = field(repr=False)
    #: Whether it is held for a person to look at first.
    for_review: bool = False
    #: What its producer sealed; None for an unsealed job.
    proof: Proof | None = field(default=None, repr=False)
    #: It is held, too, if as much was to go to its payee for another debt within so long before.
    duplicates_within: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    The job is a payout now.
    """

    payout_id: int


@dataclass(frozen=True, slots=True)
class Same:
    """
    The job is a payout already, with the same content.
    """

    payout_id: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """
    The job was to withdraw a payout, which will not be sent.
    """

    payout_id: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """
    Something prevents it; `faults` name fields and rules, never values.
    """

    reason: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invalid:
    """
    What came was no job; `faults` name fields and rules, never values.
    """

    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """
    A fault of ours kept it from being taken; the log says where.
    """


Acceptance = Accepted | Same | Withdrawn | Conflict


def differing(stored: Order, offered: Order) -> tuple[str, ...]:
    """
    The names of the fields in which two orders differ, payee fields by their own names.
    """
    names = [f.name for f in fields(Order) if f.name != "payee"]
    own = [name for name in names if getattr(stored, name) != getattr(offered, name)]
    payee = [
        f"payee.{f.name}"
        for f in fields(stored.payee)
        if getattr(stored.payee, f.name) != getattr(offered.payee, f.name)
    ]
    return (*own, *payee)

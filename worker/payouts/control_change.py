"""
The controls that people set: limits of producers, and payees to whom nothing is sent.

Each change is one record. What loosens a control takes two people; what tightens it takes one.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from worker.payouts.person import Person


@dataclass(frozen=True, slots=True)
class ProducerLimits:
    """
    What one producer may have sent without a person's look; None: as much as it likes.
    """

    #: The largest amount of one payout.
    largest_fen: int | None = None
    #: The sum of a day in Beijing, by when payouts are claimed.
    day_fen: int | None = None
    #: Payees to whom none of its payouts was ever claimed, in one such day.
    new_payees: int | None = None

    @property
    def is_none(self) -> bool:
        """
        Whether nothing is limited.
        """
        return self == ProducerLimits()

    def allows_more_than(self, other: "ProducerLimits") -> bool:
        """
        Whether any of these limits is higher, or lifted.
        """
        pairs = (
            (self.largest_fen, other.largest_fen),
            (self.day_fen, other.day_fen),
            (self.new_payees, other.new_payees),
        )
        return any(was is not None and (now is None or now > was) for now, was in pairs)


class ChangeKind(enum.StrEnum):
    """
    What is changed.
    """

    LIMITS = "limits"  #: a producer has other limits from now on
    DENY = "deny"  #: what goes to this payee is held from now on
    ALLOW = "allow"  #: an entry of the deny list holds nothing any more
    CONFIRM = "confirm"  #: the records count as they stand, though someone wrote beside us


@dataclass(frozen=True, slots=True)
class NewChange:
    """
    What a person wants changed, and why.
    """

    kind: ChangeKind
    why: str
    producer: str | None = None
    limits: ProducerLimits = ProducerLimits()
    #: Whom to deny. Personal: no `repr` shows it.
    account_no: str | None = field(default=None, repr=False)
    #: The record of the entry that holds nothing any more.
    removes: int | None = None


@dataclass(frozen=True, slots=True)
class ControlChange:
    """
    A change as it is on record: in force, waiting for another person, or void.
    """

    id: int
    change: NewChange
    proposed_by: Person
    proposed_at: datetime
    payee_masked: str | None = None
    approved_by: Person | None = None
    #: From when on it is in force.
    approved_at: datetime | None = None
    #: Whether it takes two people, and one did both or nobody looked who they are: the sandbox
    #: profile allows that.
    unchecked: bool = False
    voided_at: datetime | None = None
    voided_why: str | None = None

    @property
    def waits(self) -> bool:
        """
        Whether it waits for another person.
        """
        return self.approved_at is None and self.voided_at is None


@dataclass(frozen=True, slots=True)
class Controls:
    """
    What is in force.
    """

    limits: Mapping[str, ProducerLimits] = field(default_factory=dict)
    #: The account numbers that are denied, and since when. No `repr` shows them.
    denied: Mapping[str, datetime] = field(default_factory=dict, repr=False)

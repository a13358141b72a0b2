"""
A decision on outside proof: how a payout ended, though JD's word does not tell.

One person proposes it, and another lets it count. It sends nothing.
"""

import enum
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.person import Person
from worker.payouts.status import PayoutStatus


class End(enum.StrEnum):
    """
    How a payout ended.
    """

    PAID = "paid"  #: the payee has the money
    FAILED = "failed"  #: nothing was paid, and nothing will be
    RETURNED = "returned"  #: it was paid, and so much of it came back


@dataclass(frozen=True, slots=True)
class OutsideProof:
    """
    What became of a payout, by what JD's support wrote or by a bank's slip.
    """

    end: End
    #: What came back in all, in fen; 0 unless it was returned.
    returned_fen: int
    #: What the letter or the slip is found by. It is used once.
    reference: str
    why: str

    def status(self, amount_fen: int) -> PayoutStatus:
        """
        The status of a payout of that amount, by this proof.
        """
        match self.end:
            case End.FAILED:
                return PayoutStatus.FAILED
            case End.RETURNED if self.returned_fen == amount_fen:
                return PayoutStatus.RETURNED
            case End.PAID | End.RETURNED:
                return PayoutStatus.PAID


def normalized_reference(text: str) -> str:
    """
    A reference as it is compared: without spaces, in capitals, full-width letters as narrow ones.
    """
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    What was proposed, and what became of that: approved, void, or waiting for another person.
    """

    id: int
    payout_id: int
    proof: OutsideProof
    #: The newest evidence when it was proposed: what comes later voids it, or speaks against it.
    evidence_id: int | None
    proposed_by: Person
    proposed_at: datetime
    approved_by: Person | None = None
    approved_at: datetime | None = None
    #: Whether one person did both, or nobody looked who they are, as the sandbox profile allows.
    unchecked: bool = False
    voided_at: datetime | None = None
    voided_why: str | None = None
    #: Since when JD had been asked in vain, where it rests on that and on no answer.
    unanswered_since: datetime | None = None

    @property
    def waits(self) -> bool:
        """
        Whether it waits for another person.
        """
        return self.approved_at is None and self.voided_at is None

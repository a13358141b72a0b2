"""
All that is on record of one payout, closed cases and people's decisions too: what an audit reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.evidence import Evidence
from worker.payouts.model import Case, Dossier, Obligation, Payout, Transition
from worker.payouts.people import Registrations
from worker.payouts.policy.actions import Recorded
from worker.payouts.proposal import Proposal


@dataclass(frozen=True, slots=True)
class Debt:
    """
    An obligation, and what its payouts come to in fen.
    """

    obligation: Obligation
    #: All of them, whatever became of them.
    whole_fen: int
    #: Those that were not released.
    held_fen: int


@dataclass(frozen=True, slots=True)
class Record:
    """
    What is on record of one payout, each kind oldest first.
    """

    dossier: Dossier
    history: Sequence[Transition]
    #: Closed ones too.
    cases: Sequence[Case]
    decisions: Sequence[Recorded]
    #: Void ones too.
    proposals: Sequence[Proposal]
    #: None if it names no debt that there is.
    debt: Debt | None

    @property
    def payout(self) -> Payout:
        """
        The payout that all this is about.
        """
        return self.dossier.payout


@dataclass(frozen=True, slots=True)
class Records:
    """
    What was read of some payouts in one snapshot, in order of acceptance.
    """

    #: The database's time of the reading.
    at: datetime
    records: Sequence[Record]
    registrations: Registrations


@dataclass(frozen=True, slots=True)
class Message:
    """
    What JD told of a payout as it is stored, with its raw text.
    """

    evidence: Evidence
    #: Of which payout.
    number: str
    #: Whose key it was verified with.
    customer_no: str
    #: What is stored as the raw text's SHA-256, in hex.
    digest: str

"""
Decisions on outside proof, and who may make them.
"""

from collections.abc import Sequence
from typing import Protocol

from worker.payouts.people import Registered
from worker.payouts.person import Person, Register
from worker.payouts.proposal import OutsideProof, Proposal


class ProposalLedger(Protocol):
    """
    The ledger's share in what two people decide. Every method is one transaction.
    """

    def propose(self, payout_id: int, proof: OutsideProof, person: Person) -> Proposal:
        """
        Write down how a payout ended, as one person says; it counts once another approves it.

        It takes the place of a proposal that waits. Raises `NoSuchPayout` or `NotAllowed`.
        """

    def approve(self, proposal_id: int, person: Person) -> Proposal:
        """
        Let a proposal count, or find it void because JD has told something since; return it.

        Moves the payout, and closes its cases. Raises `NoSuchProposal`, `NotAllowed`.
        """

    def decline(self, proposal_id: int, person: Person, why: str) -> Proposal:
        """
        Let a proposal count no more; return it. Raises `NoSuchProposal`, `NotAllowed`.
        """

    def proposal(self, proposal_id: int) -> Proposal:
        """
        One proposal, whatever became of it. Raises `NoSuchProposal`.
        """

    def proposals(
        self, *, waiting_only: bool, limit: int, payout_id: int | None = None
    ) -> Sequence[Proposal]:
        """
        The newest proposals, of all payouts or of one.
        """


class PeopleLedger(Protocol):
    """
    The ledger's register of users. Every method is one transaction.
    """

    def add_person(self, uid: int, name: str, who: str, why: str) -> None:
        """
        List a user. Raises `NotAllowed` if they are listed.
        """

    def remove_person(self, uid: int, who: str, why: str) -> None:
        """
        Take a user off the list. Raises `NotAllowed` if they are not on it.
        """

    def registered(self) -> Sequence[Registered]:
        """
        The users who are listed, by uid.
        """

    def register(self) -> Register:
        """
        Who may propose, and who may approve.
        """

    def note_service(self, uid: int) -> None:
        """
        Remember as whom a worker runs.
        """

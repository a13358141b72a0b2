"""
Two people decide how a payout ended, on proof from outside.
"""

from typing import Protocol

from worker.payouts.errors import NotAllowed
from worker.payouts.person import Person
from worker.payouts.proposal import End, OutsideProof, Proposal, normalized_reference
from worker.usecases.ports import PayoutReads, PeopleLedger, ProposalLedger


class DecisionLedger(PayoutReads, ProposalLedger, PeopleLedger, Protocol):
    """
    What deciding takes of the ledger.
    """


class Decider:
    """
    One of them, at work.
    """

    def __init__(self, ledger: DecisionLedger, person: Person) -> None:
        self._ledger = ledger
        self._person = person

    def propose(
        self, payout_id: int, end: End, returned_fen: int | None, reference: str, why: str
    ) -> Proposal:
        """
        Say how a payout ended; what was returned is the whole amount where none is named.

        Nothing happens before another person approves it. Raises `NotAllowed`, which says what is
        missing and from when it can be had, or `NoSuchPayout`.
        """
        if returned_fen is None:
            whole = self._ledger.dossier(payout_id).payout.amount_fen
            returned_fen = whole if end is End.RETURNED else 0
        proof = OutsideProof(end, returned_fen, normalized_reference(reference), why)
        return self._ledger.propose(payout_id, proof, self._person)

    def approve(self, proposal_id: int) -> Proposal:
        """
        Let another person's proposal count. Nothing is sent.

        Raises `NoSuchProposal`, or `NotAllowed`: also if JD has told anything since it was made,
        which voids it for good.
        """
        proposal = self._ledger.approve(proposal_id, self._person)
        if proposal.voided_at is not None:
            raise NotAllowed(
                f"proposal {proposal_id} is void: {proposal.voided_why}. Look at the payout, and"
                " propose it again if it is still so"
            )
        return proposal

    def decline(self, proposal_id: int, why: str) -> Proposal:
        """
        Let a proposal count no more, one's own or another's; its proof may be used again.

        Raises `NoSuchProposal` or `NotAllowed`.
        """
        return self._ledger.decline(proposal_id, self._person, why)

    def add(self, uid: int, name: str, why: str) -> None:
        """
        List a user who may decide. Raises `NotAllowed`.
        """
        if uid == 0 or uid in self._ledger.register().services:
            raise NotAllowed(f"uid {uid} is root, or a worker's: it proposes, and never approves")
        self._ledger.add_person(uid, name, self._person.who, why)

    def remove(self, uid: int, why: str) -> None:
        """
        Take a user off the list. Raises `NotAllowed`.
        """
        self._ledger.remove_person(uid, self._person.who, why)

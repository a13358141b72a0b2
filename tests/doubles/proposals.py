"""
What two people decide, in the ledger in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tests.doubles.actions import MemoryActions
from tests.doubles.rows import transactions
from worker.payouts.errors import NoSuchProposal, NotAllowed
from worker.payouts.people import Registered
from worker.payouts.person import Person, Register
from worker.payouts.policy.effects import conclude, decision_on
from worker.payouts.policy.outside_proof import (
    check_approver,
    check_proof,
    check_proposer,
    check_waiting,
    declined_by,
    voiding,
)
from worker.payouts.proposal import OutsideProof, Proposal
from worker.store.base import new_token


@transactions
class MemoryProposals(MemoryActions):
    """
    Proposals and people, over plain dictionaries.
    """

    def __init__(
        self, clock: Callable[[], datetime], new_token: Callable[[], str] = new_token
    ) -> None:
        super().__init__(clock, new_token)
        self._registered: dict[int, Registered] = {}
        #: Uid, since when, and until when.
        self._removed: list[tuple[int, datetime, datetime]] = []
        #: Since when each is known.
        self._services: dict[int, datetime] = {}

    def propose(self, payout_id: int, proof: OutsideProof, person: Person) -> Proposal:
        """
        Write down how a payout ended, as one person says.
        """
        dossier, now = self.dossier(payout_id), self._clock()
        check_proposer(person, self.register(), dossier.payout.terms.profile)
        silent_since = check_proof(dossier, proof, now)
        others = (p for p in self._proposals.values() if not (p.waits and p.payout_id == payout_id))
        if any(p.voided_at is None and p.proof.reference == proof.reference for p in others):
            raise NotAllowed(f"{proof.reference} is the proof of another decision already")
        for older in [*self._proposals.values()]:
            if older.waits and older.payout_id == payout_id:
                self._void(older, "another was proposed instead")
        made = Proposal(
            next(self._ids["proposals"]),
            payout_id,
            proof,
            max((e.id for e in dossier.evidence), default=None),
            person,
            now,
            unanswered_since=silent_since,
        )
        self._proposals[made.id] = made
        return made

    def approve(self, proposal_id: int, person: Person) -> Proposal:
        """
        Let a proposal count, or find it void; return it.
        """
        proposal, now = self.proposal(proposal_id), self._clock()
        dossier = self.dossier(proposal.payout_id)
        check_waiting(proposal)
        if voiding(dossier, proposal):
            return self._void(proposal, "JD has told more since")
        profile = dossier.payout.terms.profile
        checked = check_approver(proposal, person, self.register(), profile)
        check_proof(dossier, proposal.proof, now)
        approved = replace(proposal, approved_by=person, approved_at=now, unchecked=not checked)
        self._proposals[proposal_id] = approved
        after = conclude(dossier.payout, approved, now)
        self._write(dossier.payout, after)
        self._move(dossier.payout, after, person.who)
        self._record(after.id, decision_on(dossier, approved))
        return approved

    def decline(self, proposal_id: int, person: Person, why: str) -> Proposal:
        """
        Let a proposal count no more; return it.
        """
        proposal = self.proposal(proposal_id)
        check_waiting(proposal)
        profile = self.dossier(proposal.payout_id).payout.terms.profile
        check_proposer(person, self.register(), profile)
        return self._void(proposal, declined_by(person, why))

    def proposal(self, proposal_id: int) -> Proposal:
        """
        One proposal. Raises `NoSuchProposal`.
        """
        if proposal_id not in self._proposals:
            raise NoSuchProposal(f"there is no proposal {proposal_id}")
        return self._proposals[proposal_id]

    def proposals(
        self, *, waiting_only: bool, limit: int, payout_id: int | None = None
    ) -> Sequence[Proposal]:
        """
        The newest proposals, of all payouts or of one.
        """
        newest = reversed(self._proposals.values())
        of_it = [p for p in newest if payout_id in {None, p.payout_id}]
        return [p for p in of_it if p.waits or not waiting_only][:limit]

    def add_person(self, uid: int, name: str, who: str, why: str) -> None:
        """
        List a user. Raises `NotAllowed`.
        """
        if uid in self._registered:
            raise NotAllowed(f"uid {uid} is listed already")
        self._registered[uid] = Registered(uid, name, who, why, self._clock())

    def remove_person(self, uid: int, who: str, why: str) -> None:
        """
        Take a user off the list. Raises `NotAllowed`.
        """
        removed = self._registered.pop(uid, None)
        if removed is None:
            raise NotAllowed(f"uid {uid} is not listed")
        self._removed.append((uid, removed.added_at, self._clock()))

    def registered(self) -> Sequence[Registered]:
        """
        The users who are listed, by uid.
        """
        return [self._registered[uid] for uid in sorted(self._registered)]

    def register(self) -> Register:
        """
        Who may propose, and who may approve.
        """
        return Register(frozenset(self._registered), frozenset(self._services))

    def note_service(self, uid: int) -> None:
        """
        Remember as whom a worker runs.
        """
        self._services.setdefault(uid, self._clock())

    def _void(self, proposal: Proposal, why: str) -> Proposal:
        void = replace(proposal, voided_at=self._clock(), voided_why=why)
        self._proposals[void.id] = void
        return void

"""
What two people decide on proof from outside.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NoSuchProposal, NotAllowed
from worker.payouts.model import Dossier
from worker.payouts.person import Person
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
from worker.store import rows
from worker.store.base import Base
from worker.store.decisions import write_decided
from worker.store.dossiers import known_to, read_dossier
from worker.store.people import read_register
from worker.store.people_tables import PROPOSAL_WAITS, proposals
from worker.store.renewal import renewed
from worker.store.vouching import is_proposal_of, proposal_seal
from worker.store.writes import Move, insert_new


class Proposals(Base):
    """
    Decisions on outside proof, from the first person's word to the second's.
    """

    def propose(self, payout_id: int, proof: OutsideProof, person: Person) -> Proposal:
        """
        Write down how a payout ended, as one person says; it counts once another approves it.

        It takes the place of a proposal that waits. Raises `NoSuchPayout` or `NotAllowed`.
        """
        with self._transaction() as conn:
            dossier, now = self._held(conn, payout_id)
            check_proposer(person, read_register(conn), dossier.payout.terms.profile)
            silent_since = check_proof(dossier, proof, now)
            self._void(conn, dossier, now, "another was proposed instead")
            made = insert_new(
                conn,
                proposals,
                payout_id=payout_id,
                ended_as=proof.end,
                returned_fen=proof.returned_fen,
                reference=proof.reference,
                why=proof.why,
                evidence_id=max((e.id for e in dossier.evidence), default=None),
                **rows.person_columns("proposed", person),
                proposed_at=now,
                unchecked=False,
                unanswered_since=silent_since,
            )
            if made is None:
                raise NotAllowed(f"{proof.reference} is the proof of another decision already")
            self._change(conn, dossier, made)
            return _read(conn, made)

    def approve(self, proposal_id: int, person: Person) -> Proposal:
        """
        Let a proposal count, or find it void because JD has told something since; return it.

        Moves the payout, and closes its cases. Raises `NoSuchProposal`, `NotAllowed`.
        """
        with self._transaction() as conn:
            dossier, now = self._held(conn, _read(conn, proposal_id).payout_id)
            proposal = _read(conn, proposal_id)
            check_waiting(proposal)
            if voiding(dossier, proposal):
                self._void(conn, dossier, now, "JD has told more since", proposal_id)
                return _read(conn, proposal_id)
            self._check_intact(conn, dossier, proposal_id)
            profile = dossier.payout.terms.profile
            checked = check_approver(proposal, person, read_register(conn), profile)
            check_proof(dossier, proposal.proof, now)
            whole = renewed(conn, dossier, self._seals)
            self._change(
                conn,
                dossier,
                proposal_id,
                **rows.person_columns("approved", person),
                approved_at=now,
                unchecked=not checked,
            )
            approved = _read(conn, proposal_id)
            after = conclude(whole, approved, now)
            decision = decision_on(dossier, approved)
            write_decided(conn, Move(dossier.payout, after), decision, now, self._seals)
            return approved

    def decline(self, proposal_id: int, person: Person, why: str) -> Proposal:
        """
        Let a proposal count no more; return it. Raises `NoSuchProposal`, `NotAllowed`.
        """
        with self._transaction() as conn:
            dossier, now = self._held(conn, _read(conn, proposal_id).payout_id)
            check_waiting(_read(conn, proposal_id))
            check_proposer(person, read_register(conn), dossier.payout.terms.profile)
            self._void(conn, dossier, now, declined_by(person, why), proposal_id)
            return _read(conn, proposal_id)

    def proposal(self, proposal_id: int) -> Proposal:
        """
        One proposal, whatever became of it. Raises `NoSuchProposal`.
        """
        with self._snapshot() as conn:
            return _read(conn, proposal_id)

    def proposals(
        self, *, waiting_only: bool, limit: int, payout_id: int | None = None
    ) -> Sequence[Proposal]:
        """
        The newest proposals, of all payouts or of one.
        """
        newest = sa.select(proposals).order_by(proposals.c.id.desc()).limit(limit)
        if waiting_only:
            newest = newest.where(PROPOSAL_WAITS)
        if payout_id is not None:
            newest = newest.where(proposals.c.payout_id == payout_id)
        with self._snapshot() as conn:
            return [rows.to_proposal(row) for row in conn.execute(newest).mappings()]

    def _held(self, conn: sa.Connection, payout_id: int) -> tuple[Dossier, datetime]:
        """
        All that is known of a payout, with its debt and its row held, so that nothing comes amid.
        """
        self._locks.obligation(conn, payout_id)
        locked = self._locks.payout(conn, payout_id)
        return read_dossier(conn, locked.payout, self._seals), locked.now

    def _void(
        self,
        conn: sa.Connection,
        dossier: Dossier,
        now: datetime,
        why: str,
        proposal_id: int | None = None,
    ) -> None:
        """
        Void what waits of a payout, or one of it, so that its proof may be used again.
        """
        own = sa.select(proposals.c.id).where(
            PROPOSAL_WAITS, proposals.c.payout_id == dossier.payout.id
        )
        if proposal_id is not None:
            own = own.where(proposals.c.id == proposal_id)
        for waiting in conn.scalars(own).all():
            self._change(conn, dossier, waiting, voided_at=now, voided_why=why)

    def _change(
        self, conn: sa.Connection, dossier: Dossier, proposal_id: int, **changes: object
    ) -> None:
        """
        Write what becomes of a proposal, and the seal that vouches for it.
        """
        row = {**_row(conn, proposal_id), **changes}
        known = known_to(row, [piece.id for piece in dossier.evidence])
        changes["seal"] = proposal_seal(dossier.payout, row, known, self._seals)
        conn.execute(sa.update(proposals).where(proposals.c.id == proposal_id).values(**changes))

    def _check_intact(self, conn: sa.Connection, dossier: Dossier, proposal_id: int) -> None:
        row = _row(conn, proposal_id)
        known = known_to(row, [piece.id for piece in dossier.evidence])
        if not is_proposal_of(dossier.payout, row, known, self._seals):
            raise NotAllowed(
                f"proposal {proposal_id} is not what was proposed: someone wrote to the database"
                " beside us; decline it, and propose it again"
            )


def _read(conn: sa.Connection, proposal_id: int) -> Proposal:
    return rows.to_proposal(_row(conn, proposal_id))


def _row(conn: sa.Connection, proposal_id: int) -> RowMapping:
    found = conn.execute(sa.select(proposals).where(proposals.c.id == proposal_id)).mappings()
    row: RowMapping | None = found.one_or_none()
    if row is None:
        raise NoSuchProposal(f"there is no proposal {proposal_id}")
    return row

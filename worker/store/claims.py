"""
Payouts are claimed for sending: as many as there may be, in one commit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.claim import Claim, Claimant, Claims, Draft
from worker.payouts.errors import BrokenSeal, NoSuchPayout, StaleTransition
from worker.payouts.job_keys import JobKey
from worker.payouts.model import Attempt, CaseKind, Dossier, Obligation, Order, Payout
from worker.payouts.pace import PaceKind
from worker.payouts.policy.obligation import AskFirst, Covered, Overpaid, cover, is_whole
from worker.payouts.sealed_job import Proof, kept
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote, claim
from worker.payouts.vouching import with_attempt
from worker.store import rows
from worker.store.base import Base
from worker.store.bulk import BulkInsert, BulkUpdate
from worker.store.cases import open_case
from worker.store.channels import is_stopped
from worker.store.claim_holds import find_claim_holds
from worker.store.dossiers import read_dossiers
from worker.store.due_work import ask_now, find_due_sends, put_off
from worker.store.job_keys import read_keys
from worker.store.paces import spend
from worker.store.seals import Seals
from worker.store.tables import attempts, payouts
from worker.store.types import UtcDateTime
from worker.store.vouching import attempt_seal
from worker.store.writes import GUARDS, Move, write_held, write_moves

_NOW = sa.bindparam("now", type_=UtcDateTime)

# Made once: making a statement costs more than the statement does.
_CLAIM = BulkUpdate(
    payouts,
    GUARDS,
    ~is_stopped(_NOW),
    # The first request stands for life.
    sealed_request=lambda given: sa.func.coalesce(payouts.c.sealed_request, given),
)
_BEGIN = BulkInsert(attempts, attempts.c.payout_id, attempts.c.id)


@dataclass(frozen=True, slots=True)
class _Debt:
    """
    A debt that is held, the one of its payouts that is to be sent, and the rows of all of them.
    """

    obligation: Obligation
    payout_id: int
    rows: Sequence[RowMapping] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Taken:
    """
    A payout that is to be sent, and how.
    """

    dossier: Dossier = field(repr=False)
    claimed: Payout
    token: str
    order: Order = field(repr=False)
    request: str = field(repr=False)
    proof: Proof | None = field(repr=False)

    @property
    def number(self) -> int:
        """
        Which attempt of its payout this is.
        """
        return len(self.dossier.attempts) + 1


class ClaimStore(Base):
    """
    Who may put a payout on the wire.
    """

    def claim_due_sends(self, limit: int, claimant: Claimant) -> Claims:
        """
        Take due payouts for sending, the longest due first, as `claim` does.
        """
        merchant = claimant.customer_no
        return self._at_its_pace(
            claimant, lambda conn, now: find_due_sends(conn, self._sends, merchant, now, limit)
        )

    def claim(self, payout_ids: Sequence[int], claimant: Claimant) -> Claims:
        """
        Take those payouts for sending that may be sent now, in the order given.

        Of two payouts that share a debt the second waits for the next call, and so does one whose
        debt someone else holds at this moment. What may not be sent is put off. Raises
        `NoSuchPayout`, and what the claimant raises.
        """
        return self._at_its_pace(claimant, lambda _conn, _now: payout_ids)

    def _at_its_pace(
        self, claimant: Claimant, which: Callable[[sa.Connection, datetime], Sequence[int]]
    ) -> Claims:
        """
        Claim, with the merchant's bucket held: of two who claim at once the second looks after it.
        """
        try:
            with self._transaction() as conn:
                full_at, now = self._locks.pace(conn, claimant.customer_no, PaceKind.SEND)
                payout_ids, tokens = which(conn, now), claimant.pace.left(full_at, now)
                claims, looked_at = self._claim(conn, payout_ids[:tokens], claimant)
                if claims:
                    full_at = claimant.pace.spend(len(claims), full_at, now)
                    spend(conn, claimant.customer_no, PaceKind.SEND, full_at)
                rest = claimant.pace.wait(full_at, now) if tokens < len(payout_ids) else None
                return Claims(claims, looked_at, rest)
        except StaleTransition:
            # Under the locks nothing else can have changed: the channel was stopped just now.
            return Claims()

    def _claim(
        self, conn: sa.Connection, payout_ids: Sequence[int], claimant: Claimant
    ) -> tuple[tuple[Claim, ...], int]:
        if not payout_ids:
            return (), 0
        held = self._locks.free_obligations(conn, payout_ids)
        found, now = self._locks.sharing(conn, held)
        debts = _debts(payout_ids, held, found)
        sharing = [rows.to_payout(row, self._seals) for debt in debts for row in debt.rows]
        known = {d.payout.id: d for d in read_dossiers(conn, sharing, self._seals)}
        _check_owed(conn, payout_ids, found)
        keys = read_keys(conn, {row["job_key"] for row in found if row["job_key"]}, self._seals)
        looked = (self._look(conn, debt, known, keys, claimant, now) for debt in debts)
        taken = [one for one in looked if one is not None]
        if taken:
            taken = self._let_through(conn, taken, claimant, now)
        return self._begin(conn, taken, claimant, now), len(debts)

    def _look(
        self,
        conn: sa.Connection,
        debt: _Debt,
        known: Mapping[int, Dossier],
        keys: Mapping[str, JobKey],
        claimant: Claimant,
        now: datetime,
    ) -> _Taken | None:
        """
        Decide about one payout, under its debt's lock, from all that is known of those that share.
        """
        dossier = known[debt.payout_id]
        (row,) = (row for row in debt.rows if row["id"] == debt.payout_id)
        order = rows.to_order(row, self._seals)
        sent_before = rows.to_request(row, self._seals)
        if not is_whole(debt.obligation, [known[row["id"]] for row in debt.rows]):
            raise BrokenSeal
        under_way = any(attempt.outcome is None for attempt in dossier.attempts)
        proof = rows.to_proof(row, keys, self._seals)
        request = claimant.decide(Draft(dossier, order, sent_before, now, proof))
        if request is None or under_way:
            put_off(conn, debt.payout_id, now, now + claimant.again_after)
            return None
        others = tuple(known[row["id"]] for row in debt.rows if row["id"] != debt.payout_id)
        coverage = cover(dossier.payout, debt.obligation, others, now)
        if not isinstance(coverage, Covered):
            _withhold(conn, dossier.payout, coverage, claimant, now)
            return None
        token = self._new_token()
        claimed = claim(dossier.payout, token, claimant.lease, now)
        claimed = replace(claimed, vouched=with_attempt(claimed.vouched))
        return _Taken(dossier, claimed, token, order, request, proof)

    def _let_through(
        self, conn: sa.Connection, taken: Sequence[_Taken], claimant: Claimant, now: datetime
    ) -> list[_Taken]:
        """
        Those that no control holds back; the others are held, each with a case.
        """
        controls = self._controls.read(conn)
        asked = [(one.dossier, one.order) for one in taken]
        holds = find_claim_holds(conn, asked, controls, now, self._seals)
        for one in taken:
            if (hold := holds.get(one.claimed.id)) is not None:
                payout = one.dossier.payout
                if payout.status is PayoutStatus.QUEUED:
                    write_held(conn, payout, hold, now, self._seals)
                else:
                    # It was sent before: it is not held, and it is not sent again.
                    put_off(conn, payout.id, now, now + claimant.again_after)
                open_case(conn, now, payout, CaseNote(hold.case, reopens=True))
        return [one for one in taken if one.claimed.id not in holds]

    def _begin(
        self, conn: sa.Connection, taken: Sequence[_Taken], claimant: Claimant, now: datetime
    ) -> tuple[Claim, ...]:
        if not taken:
            return ()
        moves = [Move(one.dossier.payout, one.claimed) for one in taken]
        more = [
            {"sealed_request": rows.seal_request(one.claimed, one.request, self._seals)}
            for one in taken
        ]
        if not write_moves(conn, moves, claimant.actor, self._seals, _CLAIM, more, now=now):
            raise StaleTransition("sending was stopped meanwhile")
        begun = _BEGIN.execute(conn, [_attempt(one, now, self._seals) for one in taken])
        ids: dict[int, int] = {row.payout_id: row.id for row in begun}
        return tuple(
            Claim(
                one.dossier.payout,
                Attempt(ids[one.claimed.id], one.claimed.id, one.number, one.token, started_at=now),
                one.order,
                one.request,
                kept(one.proof),
            )
            for one in taken
        )


def _debts(
    payout_ids: Sequence[int], held: Mapping[int, Obligation], found: Sequence[RowMapping]
) -> list[_Debt]:
    owed_by = {row["id"]: row["obligation_id"] for row in found}
    first: dict[int, int] = {}
    for payout_id in payout_ids:
        if payout_id in owed_by:
            first.setdefault(owed_by[payout_id], payout_id)
    return [
        _Debt(held[debt], payout_id, [row for row in found if row["obligation_id"] == debt])
        for debt, payout_id in first.items()
    ]


def _check_owed(
    conn: sa.Connection, payout_ids: Sequence[int], found: Sequence[RowMapping]
) -> None:
    """
    Raise `NoSuchPayout` for one that does not exist, or pays no debt: nobody else holds that.
    """
    missing = {*payout_ids} - {row["id"] for row in found}
    if not missing:
        return
    owed = sa.select(payouts.c.id).where(
        payouts.c.id.in_(missing), payouts.c.obligation_id.is_not(None)
    )
    if astray := missing - {*conn.scalars(owed)}:
        raise NoSuchPayout(f"there is no payout {min(astray)} that has an obligation")


def _attempt(taken: _Taken, now: datetime, seals: Seals) -> dict[str, object]:
    attempt = Attempt(0, taken.claimed.id, taken.number, taken.token, started_at=now)
    return {
        "payout_id": attempt.payout_id,
        "number": attempt.number,
        "lease_token": attempt.lease_token,
        "started_at": now,
        "detail": attempt.detail,
        "seal": attempt_seal(taken.claimed, attempt, seals),
    }


def _withhold(
    conn: sa.Connection,
    payout: Payout,
    coverage: AskFirst | Overpaid,
    claimant: Claimant,
    now: datetime,
) -> None:
    """
    Say why a payout is not sent, unless it would not be sent anyway.

    A case opens; or, if JD must be asked about older payouts first, their questions are due now,
    and this one is looked at again after a while.
    """
    stopped = sa.select(payouts.c.id).where(payouts.c.id == payout.id, is_stopped(now))
    if conn.execute(stopped).first() is not None:
        return
    match coverage:
        case Overpaid(evidence_id):
            open_case(conn, now, payout, CaseNote(CaseKind.OVERPAYMENT, evidence_id, True))
        case AskFirst(payout_ids):
            ask_now(conn, payout_ids, now)
            put_off(conn, payout.id, now, now + claimant.again_after)

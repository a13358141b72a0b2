"""
The right to send: claims, leases and attempts.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.claim import Claim, Claimant, Draft
from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, AttemptOutcome, CaseKind, Payout
from worker.payouts.policy.obligation import AskFirst, Covered, Overpaid, cover
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote, claim, end_lease
from worker.store import rows
from worker.store.base import Base, append_transition, write_row
from worker.store.channels import is_stopped
from worker.store.dossiers import lock_payout, read_dossiers
from worker.store.due_work import ask_now, put_off
from worker.store.evidence import News, open_case, take_in
from worker.store.obligations import lock_obligation, rows_of
from worker.store.tables import attempts, payouts

#: When a payout that waits for JD's word about older ones is looked at again.
_LOOK_AGAIN = timedelta(seconds=30)


class Leases(Base):
    """
    Who may put a payout on the wire, and until when.
    """

    def claim(self, payout_id: int, claimant: Claimant) -> Claim | None:
        """
        Take a payout for sending; None if it may not be sent now, or its debt does not allow it.

        Raises `NoSuchPayout`, or `IllegalMove` if its status is not one to send from.
        """
        with self._transaction() as conn:
            obligation, now = lock_obligation(conn, self._clock, payout_id)
            found = {row["id"]: row for row in rows_of(conn, obligation)}
            sharing = [rows.to_payout(row, self._keyring) for row in found.values()]
            dossiers = {d.payout.id: d for d in read_dossiers(conn, sharing, self._keyring)}
            dossier = dossiers.pop(payout_id)
            order = rows.to_order(found[payout_id], self._keyring)
            sent_before = rows.to_request(found[payout_id], self._keyring)
            request = claimant.decide(Draft(dossier, order, sent_before, now))
            if request is None:
                return None
            coverage = cover(dossier.payout, obligation, tuple(dossiers.values()), now)
            if not isinstance(coverage, Covered):
                _withhold(conn, dossier.payout, coverage, now)
                return None
            return self._begin(conn, dossier.payout, request, claimant, now)

    def _begin(
        self,
        conn: sa.Connection,
        payout: Payout,
        request: str,
        claimant: Claimant,
        now: datetime,
    ) -> Claim | None:
        token = self._new_token()
        claimed = claim(payout, token, claimant.lease, now)
        sealed = sa.literal(self._keyring.seal(request), sa.LargeBinary)
        request_once = sa.func.coalesce(payouts.c.sealed_request, sealed)
        guards = (~_is_under_way(), ~is_stopped(now))
        if not write_row(conn, payout, claimed, *guards, sealed_request=request_once):
            return None
        begun = conn.execute(
            sa.insert(attempts)
            .values(
                payout_id=payout.id,
                number=_next_number(payout.id),
                lease_token=token,
                started_at=now,
                detail="",
            )
            .returning(attempts.c.id, attempts.c.number)
        ).one()
        append_transition(conn, payout, claimed, claimant.actor)
        attempt = Attempt(begun.id, payout.id, begun.number, token, started_at=now)
        return Claim(payout, attempt, request)

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease; False unless it is still this attempt's and sending is allowed.
        """
        with self._writing() as (conn, now):
            renewed = conn.execute(
                sa.update(payouts)
                .where(
                    payouts.c.id == attempt.payout_id,
                    payouts.c.status == PayoutStatus.SENDING,
                    payouts.c.lease_token == attempt.lease_token,
                    payouts.c.lease_until > now,
                    ~is_stopped(now),
                )
                .values(lease_until=now + lease)
            )
            return renewed.rowcount == 1

    def close_attempt(
        self,
        attempt: Attempt,
        outcome: AttemptOutcome,
        detail: str,
        answer: Answer | None = None,
        judge: Judge | None = None,
    ) -> Judged | None:
        """
        Record how the attempt ended, with its answer if one came, and judge: one transaction.

        Its lease ends now. An attempt that the sweep has closed as lost stays closed, and its
        answer counts all the same: a lease fences the sending, never the evidence.
        """
        with self._transaction() as conn:
            locked = lock_payout(conn, self._clock, self._keyring, attempt.payout_id)
            payout = locked.payout
            if payout.lease_token == attempt.lease_token:
                payout = end_lease(payout, locked.now, locked.now)
                _close(conn, locked.now, attempt, outcome, detail)
            news = None
            if answer is not None:
                news = News(Source.REPLY, answer, attempt.id, attempt.started_at)
            return take_in(conn, locked, payout, news, judge, self._keyring)


def _close(
    conn: sa.Connection, now: datetime, attempt: Attempt, outcome: AttemptOutcome, detail: str
) -> None:
    own = sa.update(attempts).where(attempts.c.id == attempt.id)
    conn.execute(own.values(outcome=outcome, detail=detail, closed_at=now))


def _withhold(
    conn: sa.Connection, payout: Payout, coverage: AskFirst | Overpaid, now: datetime
) -> None:
    """
    Say why a payout is not sent, unless it would not be sent anyway.

    A case opens; or, if JD must be asked about older payouts first, their questions are due now,
    and this one is looked at again after a while.
    """
    if not _may_be_claimed(conn, payout, now):
        return
    match coverage:
        case Overpaid(evidence_id):
            open_case(conn, now, payout, CaseNote(CaseKind.OVERPAYMENT, evidence_id, True))
        case AskFirst(payout_ids):
            ask_now(conn, payout_ids, now)
            put_off(conn, payout.id, now + _LOOK_AGAIN)


def _may_be_claimed(conn: sa.Connection, payout: Payout, now: datetime) -> bool:
    """
    Whether the row is as the caller read it, and nothing else stops its sending.
    """
    found = sa.select(payouts.c.id).where(
        payouts.c.id == payout.id,
        payouts.c.version == payout.version,
        ~_is_under_way(),
        ~is_stopped(now),
    )
    return conn.execute(found.with_for_update(of=payouts)).first() is not None


def _is_under_way() -> sa.Exists:
    return (
        sa.select(attempts.c.id)
        .where(attempts.c.payout_id == payouts.c.id, attempts.c.outcome.is_(None))
        .exists()
    )


def _next_number(payout_id: int) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count() + 1)
        .select_from(attempts)
        .where(attempts.c.payout_id == payout_id)
        .scalar_subquery()
    )

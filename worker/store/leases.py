"""
The right to send: claims, leases and attempts.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, AttemptOutcome, CaseKind, Obligation, Payout
from worker.payouts.policy.obligation import AskFirst, Covered, Overpaid, cover
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote, claim
from worker.store.base import Base, append_transition, lock_payout, write_row
from worker.store.channels import is_stopped
from worker.store.due_work import ask_now, put_off
from worker.store.evidence import judge_payout, open_case, store_answer
from worker.store.obligations import lock_obligation, sharing
from worker.store.reads import read_payout
from worker.store.tables import attempts, payouts

#: When a payout that waits for JD's word about older ones is looked at again.
_LOOK_AGAIN = timedelta(seconds=30)


class Leases(Base):
    """
    Who may put a payout on the wire, and until when.
    """

    def claim(self, payout: Payout, request: str, lease: timedelta, actor: str) -> Attempt | None:
        """
        Take the payout for sending; None if it may not be sent now, or its debt does not allow it.

        Raises `IllegalMove` if its status is not one to send from.
        """
        token = self._new_token()
        sealed = sa.literal(self._keyring.seal(request), sa.LargeBinary)
        with self._writing() as (conn, now):
            claimed = claim(payout, token, lease, now)
            obligation = lock_obligation(conn, payout.id)
            if not self._is_covered(conn, payout, obligation, now):
                return None
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
            append_transition(conn, payout, claimed, actor)
            return Attempt(begun.id, payout.id, begun.number, token, started_at=now)

    def _is_covered(
        self, conn: sa.Connection, payout: Payout, obligation: Obligation, now: datetime
    ) -> bool:
        """
        Ask the debt again, under its lock: whether sending this payout pays no more than is owed.

        If not, a case opens; if JD must be asked about older payouts first, their questions are due
        now, and this one is looked at again after a while.
        """
        others = sharing(conn, obligation, self._keyring, but=payout.id)
        coverage = cover(payout, obligation, others, now)
        if not isinstance(coverage, Covered) and not _may_be_claimed(conn, payout, now):
            return False
        match coverage:
            case Covered():
                return True
            case Overpaid(evidence_id):
                open_case(conn, now, payout, CaseNote(CaseKind.OVERPAYMENT, evidence_id, True))
            case AskFirst(payout_ids):
                ask_now(conn, payout_ids, now)
                put_off(conn, payout.id, now + _LOOK_AGAIN)
        return False

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
        with self._writing() as (conn, now):
            lock_payout(conn, attempt.payout_id)
            if answer is not None:
                payout = read_payout(conn, attempt.payout_id, self._keyring)
                about = {"attempt_id": attempt.id, "asked_at": attempt.started_at}
                store_answer(conn, now, payout, Source.REPLY, answer, self._keyring, **about)
            _end_lease(conn, now, attempt, outcome, detail)
            if judge is None:
                return None
            return judge_payout(conn, now, attempt.payout_id, judge, self._keyring)


def _end_lease(
    conn: sa.Connection, now: datetime, attempt: Attempt, outcome: AttemptOutcome, detail: str
) -> None:
    ended = conn.execute(
        sa.update(payouts)
        .where(payouts.c.id == attempt.payout_id, payouts.c.lease_token == attempt.lease_token)
        .values(
            lease_token=None,
            lease_until=None,
            lease_ended_at=now,
            version=payouts.c.version + 1,
            updated_at=now,
        )
    )
    if ended.rowcount == 0:
        return  # a lease and its attempt end together: the sweep was here first
    conn.execute(
        sa.update(attempts)
        .where(attempts.c.id == attempt.id)
        .values(outcome=outcome, detail=detail, closed_at=now)
    )


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

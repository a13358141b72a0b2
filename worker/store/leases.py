"""
The right to send: claims, leases and attempts.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.claim import Claim, Claimant, Draft
from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, AttemptOutcome, CaseKind, Dossier, Payout
from worker.payouts.policy.obligation import AskFirst, Covered, Overpaid, cover
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote, claim, end_lease
from worker.store import rows
from worker.store.base import ROW_UPDATE, Base, append_transition, write_row
from worker.store.channels import is_stopped
from worker.store.dossiers import read_dossiers
from worker.store.due_work import ask_now, put_off
from worker.store.evidence import News, open_case, take_in
from worker.store.obligations import rows_of
from worker.store.tables import attempts, payouts
from worker.store.types import UtcDateTime

#: When a payout that waits for JD's word about older ones is looked at again.
_LOOK_AGAIN = timedelta(seconds=30)


_NOW = sa.bindparam("now", type_=UtcDateTime)
_UNDER_WAY = (
    sa.select(attempts.c.id)
    .where(attempts.c.payout_id == payouts.c.id, attempts.c.outcome.is_(None))
    .exists()
)
_REQUEST_ONCE = sa.func.coalesce(
    payouts.c.sealed_request, sa.bindparam("sealed", type_=sa.LargeBinary)
)

# Made once: making a statement costs more than the statement does.
_CLAIM = ROW_UPDATE.where(~_UNDER_WAY, ~is_stopped(_NOW)).values(sealed_request=_REQUEST_ONCE)


_ENDED = sa.update(attempts).where(attempts.c.id == sa.bindparam("attempt"))


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
            obligation, now = self._locks.obligation(conn, payout_id)
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
            return self._begin(conn, dossier, request, claimant, now)

    def _begin(
        self,
        conn: sa.Connection,
        dossier: Dossier,
        request: str,
        claimant: Claimant,
        now: datetime,
    ) -> Claim | None:
        payout = dossier.payout
        token = self._new_token()
        claimed = claim(payout, token, claimant.lease, now)
        sealed = self._keyring.seal(request)
        if not write_row(conn, payout, claimed, _CLAIM, now=now, sealed=sealed):
            return None
        number = len(dossier.attempts) + 1
        attempt = {
            "payout_id": payout.id,
            "number": number,
            "lease_token": token,
            "started_at": now,
            "detail": "",
        }
        begun = conn.execute(sa.insert(attempts).returning(attempts.c.id), attempt).scalar_one()
        append_transition(conn, payout, claimed, claimant.actor)
        return Claim(payout, Attempt(begun, payout.id, number, token, started_at=now), request)

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
            locked = self._locks.payout(conn, attempt.payout_id)
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
    ended = {"outcome": outcome, "detail": detail, "closed_at": now}
    conn.execute(_ENDED, {"attempt": attempt.id, **ended})


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
        ~_UNDER_WAY,
        ~is_stopped(now),
    )
    return conn.execute(found.with_for_update(of=payouts)).first() is not None

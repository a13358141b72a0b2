"""
What a restored database has forgotten, and a journal of claims still knows.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta

import sqlalchemy as sa

from worker.payouts.journal import FROM_A_JOURNAL, JournaledClaim, Recalled
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.policy.obligation import normalized
from worker.payouts.policy.restore import is_behind
from worker.payouts.update import CaseNote, recall
from worker.payouts.vouching import with_attempt
from worker.store.acceptance import insert_payouts
from worker.store.base import Base
from worker.store.cases import open_case
from worker.store.dossiers import read_dossier, read_row
from worker.store.leases import end_leases
from worker.store.obligations import NAMESPACE, commit_orders, commit_payout
from worker.store.rows import order_columns, seal_request, to_obligation, to_payout
from worker.store.tables import attempts, obligations, payouts
from worker.store.vouching import attempt_seal
from worker.store.writes import Move, write_moves, write_row

#: Who moves a payout whose claim was forgotten, as its history names it.
_ACTOR = "journal"


class RecallStore(Base):
    """
    Claims that are put back.
    """

    def find_forgotten(self, claims: Sequence[JournaledClaim]) -> Sequence[JournaledClaim]:
        """
        Those of some journaled claims that this database lacks.
        """
        tokens = sa.select(attempts.c.lease_token).where(
            attempts.c.lease_token.in_([claim.attempt.lease_token for claim in claims])
        )
        with self._snapshot() as conn:
            known = {*conn.scalars(tokens)}
        return [claim for claim in claims if claim.attempt.lease_token not in known]

    def recall(self, claim: JournaledClaim, lease: timedelta) -> Recalled:
        """
        Put a claim back that the database lacks, and the payout too if need be, with a case.

        JD may have it: it is exposed, and JD is asked about it now. A payout that its debt has no
        room for any more does not hold the debt, and counts with what may be kept of it.
        """
        order, merchant = claim.order, claim.terms.customer_no
        numbered = (payouts.c.customer_no == merchant, payouts.c.out_trade_no == order.out_trade_no)
        with self._transaction() as conn:
            self._locks.numbers(conn, merchant, [order.out_trade_no])
            payout_id = conn.scalar(sa.select(payouts.c.id).where(*numbered))
            recalled = Recalled.PAYOUT if payout_id is None else Recalled.ATTEMPT
            if payout_id is None:
                payout_id = self._insert(conn, claim)
            _, now = self._locks.obligation(conn, payout_id)
            locked = self._locks.payout(conn, payout_id)
            tries = sa.select(sa.func.count()).where(attempts.c.payout_id == payout_id)
            same = tries.where(attempts.c.lease_token == claim.attempt.lease_token)
            if conn.scalar(same):
                return Recalled.KNOWN
            if (until := locked.payout.lease_until) is not None:
                if until > now:
                    return Recalled.BEING_SENT
                end_leases(conn, [locked.payout], now, self._seals)
                locked = self._locks.payout(conn, payout_id)
            started_at = claim.attempt.started_at
            before = read_dossier(conn, locked.payout, self._seals).payout
            attempt = replace(
                claim.attempt,
                payout_id=payout_id,
                number=(conn.scalar(tries) or 0) + 1,
                closed_at=now,
                outcome=AttemptOutcome.LOST,
                detail=FROM_A_JOURNAL,
            )
            seal = attempt_seal(before, attempt, self._seals)
            columns = {name: of for name, of in asdict(attempt).items() if name != "id"}
            conn.execute(sa.insert(attempts).values(**columns, seal=seal))
            before = replace(before, vouched=with_attempt(before.vouched))
            never_sent = payouts.c.sealed_request.is_(None)
            sealed = seal_request(locked.payout, claim.request, self._seals)
            conn.execute(
                sa.update(payouts)
                .where(payouts.c.id == payout_id, never_sent)
                .values(sealed_request=sealed)
            )
            behind = is_behind(read_dossier(conn, before, self._seals))
            after = recall(before, started_at, now + lease, now, is_behind=behind)
            write_moves(conn, [Move(locked.payout, after)], _ACTOR, self._seals)
            open_case(conn, now, after, CaseNote(CaseKind.FORGOTTEN, reopens=True))
            return recalled

    def _insert(self, conn: sa.Connection, claim: JournaledClaim) -> int:
        order = claim.order
        columns = order_columns(order, claim.terms, self._seals, claim.seal)
        now = self._locks.numbers(conn, claim.terms.customer_no, [order.out_trade_no])
        debts = commit_orders(conn, {0: order}, now, self._seals)
        if debts:
            own = {**columns, "obligation_id": debts[0]}
            (payout_id,) = insert_payouts(conn, now, [own], self._seals)
            return payout_id
        named = sa.select(obligations).where(
            obligations.c.namespace == NAMESPACE,
            obligations.c.name == normalized(order.obligation),
        )
        row = conn.execute(named.with_for_update()).mappings().one()
        debt = to_obligation(row, self._seals)
        commit_payout(conn, debt, 0, self._seals)
        own = {**columns, "obligation_id": debt.id}
        (payout_id,) = insert_payouts(conn, now, [own], self._seals)
        held = to_payout(read_row(conn, payout_id), self._seals)
        write_row(conn, held, replace(held, released_at=now), self._seals)
        return payout_id

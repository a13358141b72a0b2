"""
What people decide, recorded with who and why.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from worker.payouts.acceptance import Entry
from worker.payouts.errors import StaleTransition
from worker.payouts.model import Case, Dossier, Order, Terms
from worker.payouts.policy.actions import Action, Decision, Recorded
from worker.payouts.policy.effects import take
from worker.payouts.policy.obligation import check_fresh, check_replacement, check_whole
from worker.store import rows
from worker.store.acceptance import find_holds, hold_payout, insert_payouts
from worker.store.alike import payments_like
from worker.store.base import Base
from worker.store.decisions import mend_request, record_decision, write_decided
from worker.store.obligations import commit_fen, commit_payout, sharing
from worker.store.producer_days import give_back
from worker.store.tables import cases, decisions
from worker.store.writes import Move


class Actions(Base):
    """
    The operators' entries.
    """

    def carry_out(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record a decision. Raises `StaleTransition` or `NotAllowed`.
        """
        payout = dossier.payout
        with self._transaction() as conn:
            obligation, now = self._locks.obligation(conn, payout.id)
            after = take(decision.action, payout, now, decision.gateway_url)
            if decision.action is Action.RELEASE:
                check_fresh(dossier, now)
                commit_fen(conn, obligation.id, -payout.amount_fen)
                give_back(conn, payout, now, self._seals)
            based_on = decision.proof[-1] if decision.proof else None
            write_decided(conn, Move(payout, after, based_on), decision, now, self._seals)
            if decision.request is not None:
                mend_request(conn, after, decision.request, self._seals, decision, now)

    def replace(
        self,
        dossier: Dossier,
        decision: Decision,
        order: Order,
        terms: Terms,
        *,
        for_review: bool = False,
        duplicates_within: timedelta = timedelta(0),
    ) -> int:
        """
        Release an obligation and accept the payout that pays it instead; return its id.

        Raises `StaleTransition` or `NotAllowed`.
        """
        payout, entry = (
            dossier.payout,
            Entry(order, for_review, duplicates_within=duplicates_within),
        )
        with self._transaction() as conn:
            columns = rows.order_columns(order, terms, self._seals)
            payments = payments_like(entry, self._seals)
            self._locks.numbers(conn, terms.customer_no, [order.out_trade_no], payments)
            obligation, now = self._locks.obligation(conn, payout.id)
            after = take(decision.action, payout, now)
            known = sharing(conn, obligation, self._seals)
            check_whole(obligation, known)
            others = tuple(other for other in known if other.payout.id != payout.id)
            check_fresh(dossier, now)
            check_replacement(dossier, order, obligation, others, now)
            given_back = payout.amount_fen if payout.released_at is None else 0
            commit_payout(conn, obligation, order.amount_fen - given_back, self._seals)
            if given_back:
                give_back(conn, payout, now, self._seals)
            columns = {**columns, "obligation_id": obligation.id}
            denied = self._denied(conn)
            holds = find_holds(conn, {0: entry}, {0: obligation.id}, denied, now, self._seals)
            (payout_id,) = insert_payouts(conn, now, [columns], self._seals)
            for hold in holds.values():
                hold_payout(conn, now, payout_id, hold, self._seals)
            move = Move(payout, after)
            write_decided(conn, move, decision, now, self._seals, replaced_by=payout_id)
            return payout_id

    def close_case(self, case: Case, who: str, why: str) -> None:
        """
        Close a case and record who did, and why.

        Raises `StaleTransition` if it is closed already, or names newer evidence than was looked
        at. The payout's version rises, since what a case forbade may now be done.
        """
        decision = Decision(Action.RESOLVE, who, why, case_id=case.id)
        names = sa.select(cases.c.evidence_id).where(cases.c.id == case.id)
        with self._writing() as (conn, now):
            # The payout first, as every other writer does: they would block each other for good.
            locked = case.payout_id and self._locks.payout(conn, case.payout_id)
            if conn.scalar(names) != case.evidence_id:
                raise StaleTransition(f"case {case.id} names newer evidence; look again")
            if not locked:
                record_decision(conn, decision, now)
                return
            before = locked.payout
            after = replace(before, version=before.version + 1, updated_at=locked.now)
            write_decided(conn, Move(before, after), decision, locked.now, self._seals)

    def closing(self, case_id: int) -> Recorded | None:
        """
        The decision that closed a case; None while it is open.
        """
        about = sa.select(decisions).where(decisions.c.case_id == case_id)
        with self._snapshot() as conn:
            row = conn.execute(about).mappings().one_or_none()
        return None if row is None else rows.to_decision(row)

    def decisions(self, payout_id: int) -> Sequence[Recorded]:
        """
        What was decided about a payout, oldest first, and that it replaces another if it does.
        """
        about = sa.or_(decisions.c.payout_id == payout_id, decisions.c.replaced_by == payout_id)
        with self._snapshot() as conn:
            found = conn.execute(sa.select(decisions).where(about).order_by(decisions.c.id))
            return [rows.to_decision(row) for row in found.mappings()]

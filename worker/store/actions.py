"""
What people decide, recorded with who and why.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.model import Case, Dossier, Order, Payout, Terms
from worker.payouts.policy.actions import Action, Decision, Recorded
from worker.payouts.policy.effects import FREEING, take
from worker.payouts.policy.obligation import Share, check, check_release, share
from worker.store import rows
from worker.store.acceptance import insert_payout
from worker.store.base import Base, append_transition, write_row
from worker.store.tables import cases, decisions, payouts

_FREEING = tuple(action.value for action in FREEING)


class Actions(Base):
    """
    The operators' entries.
    """

    def carry_out(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record a decision. Raises `StaleTransition` or `NotAllowed`.
        """
        payout = dossier.payout
        with self._writing() as (conn, now):
            after = take(decision.action, payout, now)
            if decision.action is Action.RELEASE:
                check_release(_shares(conn, payout))
            _write(conn, payout, after)
            based_on = decision.proof[-1] if decision.proof else None
            append_transition(conn, payout, after, decision.who, based_on)
            _close_case(conn, now, decision)
            _record(conn, now, payout.id, decision)

    def replace(self, dossier: Dossier, decision: Decision, order: Order, terms: Terms) -> int:
        """
        Release an obligation and accept the payout that pays it instead; return its id.

        Raises `StaleTransition` or `NotAllowed`.
        """
        payout = dossier.payout
        with self._writing() as (conn, now):
            after = take(decision.action, payout, now)
            check(payout, order, _shares(conn, payout), now)
            _write(conn, payout, after)
            columns = rows.order_columns(order, terms, self._keyring)
            payout_id = insert_payout(conn, now, columns)
            if payout_id is None:
                # The obligation is free and held by nobody else, so it is the number.
                raise NotAllowed("out_trade_no: another payout has this number")
            _close_case(conn, now, decision)
            _record(conn, now, payout.id, decision, replaced_by=payout_id)
            return payout_id

    def close_case(self, case: Case, who: str, why: str) -> None:
        """
        Close a case and record who did, and why. Raises `StaleTransition` if it is closed already.

        The payout's version rises, since what a case forbade may now be done.
        """
        decision = Decision(Action.RESOLVE, who, why, case_id=case.id)
        with self._writing() as (conn, now):
            # The payout first, as every other writer does: they would block each other for good.
            conn.execute(
                sa.update(payouts)
                .where(payouts.c.id == case.payout_id)
                .values(version=payouts.c.version + 1, updated_at=now)
            )
            _close_case(conn, now, decision)
            _record(conn, now, case.payout_id, decision)

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


def _write(conn: sa.Connection, before: Payout, after: Payout) -> None:
    if not write_row(conn, before, after):
        raise StaleTransition(f"payout {before.id} changed meanwhile; look again")


def _shares(conn: sa.Connection, payout: Payout) -> Iterator[Share]:
    """
    The shares of all payouts for the same obligation: this one, and those released before it.
    """
    released = sa.select(decisions.c.payout_id).where(decisions.c.action.in_(_FREEING))
    found = conn.execute(
        sa.select(payouts.c.status, payouts.c.amount_fen, payouts.c.returned_fen).where(
            payouts.c.customer_no == payout.terms.customer_no,
            payouts.c.obligation == payout.obligation,
            (payouts.c.id == payout.id) | payouts.c.id.in_(released),
        )
    )
    return (share(row.status, row.amount_fen, row.returned_fen) for row in found)


def _close_case(conn: sa.Connection, now: datetime, decision: Decision) -> None:
    if decision.case_id is None:
        return
    closed = conn.execute(
        sa.update(cases)
        .where(cases.c.id == decision.case_id, cases.c.closed_at.is_(None))
        .values(closed_at=now)
    )
    if closed.rowcount == 0:
        raise StaleTransition(f"case {decision.case_id} is closed already")


def _record(
    conn: sa.Connection,
    now: datetime,
    payout_id: int | None,
    decision: Decision,
    *,
    replaced_by: int | None = None,
) -> None:
    conn.execute(
        sa.insert(decisions).values(
            payout_id=payout_id,
            case_id=decision.case_id,
            action=decision.action.value,
            who=decision.who,
            why=decision.why,
            proof=list(decision.proof),
            replaced_by=replaced_by,
            at=now,
        )
    )

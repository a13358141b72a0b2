"""
What people decide, written down with who and why.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.model import Case, Dossier, Order, Payout, Terms
from worker.payouts.policy.actions import Action, Decision, NotAllowed, Recorded
from worker.payouts.policy.obligation import Share, check, check_release, share
from worker.store import rows
from worker.store.acceptance import insert_payout
from worker.store.base import Base, append_transition, check_move
from worker.store.moves import changes, move
from worker.store.tables import cases, decisions, payouts

#: The decisions that free an obligation.
FREEING = (Action.RELEASE.value, Action.REPLACE.value)


class Deciding(Base):
    """
    The operators' entries.
    """

    def decide(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record a decision. Raises `StaleTransition` or `NotAllowed`.
        """
        payout = dossier.payout
        status, reason = move(decision.action, payout)
        moves = status is not payout.status
        if moves:
            check_move(payout.status, status)
        with self._writing() as (conn, now):
            written = changes(decision.action, now)
            if decision.action is Action.RELEASE:
                _check_held(conn, payout)
                check_release(_shares(conn, payout))
                written |= {"released_at": now}
            _update(conn, now, payout, status=status, reason=reason, **written)
            if moves:
                append_transition(
                    conn,
                    payout_id=payout.id,
                    from_status=payout.status,
                    to_status=status,
                    reason=reason,
                    evidence_id=decision.proof[-1] if decision.proof else None,
                    actor=decision.who,
                    at=now,
                )
            _settle_case(conn, now, decision)
            _write_down(conn, now, payout.id, decision)

    def replace(self, dossier: Dossier, decision: Decision, order: Order, terms: Terms) -> int:
        """
        Release an obligation and accept the payout that pays it instead; return its id.

        Raises `StaleTransition` or `NotAllowed`.
        """
        payout = dossier.payout
        with self._writing() as (conn, now):
            _check_held(conn, payout)
            check(payout, order, _shares(conn, payout), now)
            _update(conn, now, payout, released_at=now)
            columns = rows.order_columns(order, terms, self._keyring)
            payout_id = insert_payout(conn, now, columns)
            if payout_id is None:
                # The obligation is free and held by nobody else, so it is the number.
                raise NotAllowed("out_trade_no: another payout has this number")
            _settle_case(conn, now, decision)
            _write_down(conn, now, payout.id, decision, replaced_by=payout_id)
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
            _settle_case(conn, now, decision)
            _write_down(conn, now, case.payout_id, decision)

    def decisions(self, payout_id: int) -> Sequence[Recorded]:
        """
        What was decided about a payout, oldest first, and that it replaces another if it does.
        """
        about = sa.or_(decisions.c.payout_id == payout_id, decisions.c.replaced_by == payout_id)
        with self._reading() as conn:
            found = conn.execute(sa.select(decisions).where(about).order_by(decisions.c.id))
            return [rows.to_decision(row) for row in found.mappings()]


def _update(conn: sa.Connection, now: datetime, payout: Payout, **values: object) -> None:
    written = conn.execute(
        sa.update(payouts)
        .where(payouts.c.id == payout.id, payouts.c.version == payout.version)
        .values(version=payout.version + 1, updated_at=now, **values)
    )
    if written.rowcount == 0:
        raise StaleTransition(f"payout {payout.id} changed meanwhile; look again")


def _check_held(conn: sa.Connection, payout: Payout) -> None:
    found = conn.execute(
        sa.select(payouts.c.version, payouts.c.released_at).where(payouts.c.id == payout.id)
    ).one()
    # A row that changed is for `_update` to refuse.
    if found.version == payout.version and found.released_at is not None:
        raise NotAllowed("its obligation was freed before, for another payout to pay")


def _shares(conn: sa.Connection, payout: Payout) -> Iterator[Share]:
    """
    The shares of all payouts for the same obligation: this one, and those released before it.
    """
    released = sa.select(decisions.c.payout_id).where(decisions.c.action.in_(FREEING))
    found = conn.execute(
        sa.select(payouts.c.status, payouts.c.amount_fen, payouts.c.returned_fen).where(
            payouts.c.customer_no == payout.terms.customer_no,
            payouts.c.obligation == payout.obligation,
            (payouts.c.id == payout.id) | payouts.c.id.in_(released),
        )
    )
    return (share(row.status, row.amount_fen, row.returned_fen) for row in found)


def _settle_case(conn: sa.Connection, now: datetime, decision: Decision) -> None:
    if decision.case_id is None:
        return
    closed = conn.execute(
        sa.update(cases)
        .where(cases.c.id == decision.case_id, cases.c.closed_at.is_(None))
        .values(closed_at=now)
    )
    if closed.rowcount == 0:
        raise StaleTransition(f"case {decision.case_id} is closed already")


def _write_down(
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

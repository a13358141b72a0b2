"""
What people decide, written down with who and why.
"""

import sqlalchemy as sa

from worker.payouts.desk import Action, Decision
from worker.payouts.errors import StaleTransition
from worker.payouts.model import Case, Dossier
from worker.payouts.status import PayoutStatus, Reason
from worker.store.base import Base, append_transition, check_move
from worker.store.tables import cases, decisions, payouts

#: The moves that a decision makes; the other actions leave the status as it is.
_MOVES = {
    Action.CANCEL: (PayoutStatus.CANCELLED, Reason.CANCELLED),
    Action.LET_GO: (PayoutStatus.QUEUED, Reason.LET_GO),
}


class Deciding(Base):
    """
    The operators' entries.
    """

    def decide(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record a decision taken on this dossier. Raises `StaleTransition`.
        """
        payout = dossier.payout
        status, reason = _MOVES.get(decision.action, (payout.status, payout.reason))
        if status is not payout.status:
            check_move(payout.status, status)
        with self._writing() as (conn, now):
            changes: dict[str, object] = {"status": status, "reason": reason}
            match decision.action:
                case Action.CANCEL:
                    changes |= {"next_send_at": None, "settled_at": now}
                case Action.LET_GO | Action.RESEND:
                    changes |= {"next_send_at": now}
                case Action.RELEASE:
                    changes |= {"released_at": now}
            written = conn.execute(
                sa.update(payouts)
                .where(payouts.c.id == payout.id, payouts.c.version == payout.version)
                .values(version=payout.version + 1, updated_at=now, **changes)
            )
            if written.rowcount == 0:
                raise StaleTransition(f"payout {payout.id} changed meanwhile; look again")
            if status is not payout.status:
                append_transition(
                    conn,
                    payout_id=payout.id,
                    from_status=payout.status,
                    to_status=status,
                    reason=reason,
                    actor=decision.who,
                    at=now,
                )
            conn.execute(
                sa.insert(decisions).values(
                    payout_id=payout.id,
                    action=decision.action.value,
                    who=decision.who,
                    why=decision.why,
                    proof=list(decision.proof),
                    at=now,
                )
            )

    def close_case(self, case: Case, who: str, why: str) -> None:
        """
        Close a case and record who did, and why. Raises `StaleTransition` if it is closed already.

        The payout's version rises, since what a case forbade may now be done.
        """
        with self._writing() as (conn, now):
            closed = conn.execute(
                sa.update(cases)
                .where(cases.c.id == case.id, cases.c.closed_at.is_(None))
                .values(closed_at=now)
            )
            if closed.rowcount == 0:
                raise StaleTransition(f"case {case.id} is closed already")
            conn.execute(
                sa.update(payouts)
                .where(payouts.c.id == case.payout_id)
                .values(version=payouts.c.version + 1, updated_at=now)
            )
            conn.execute(
                sa.insert(decisions).values(
                    payout_id=case.payout_id,
                    case_id=case.id,
                    action="resolve",
                    who=who,
                    why=why,
                    proof=[],
                    at=now,
                )
            )

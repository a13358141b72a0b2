"""
What an operator's action does to a payout's row.
"""

from dataclasses import replace
from datetime import datetime

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Payout
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import wanted_at
from worker.payouts.status import PayoutStatus, Reason, check_move
from worker.payouts.update import release

#: The actions that free an obligation, and so need an answer of JD's that is fresh.
FREEING = frozenset({Action.RELEASE, Action.REPLACE})


def take(action: Action, payout: Payout, now: datetime, gateway_url: str | None = None) -> Payout:
    """
    The row after an action that is legal. A refused payout may be sent again at another address.

    Raises `IllegalMove`, or `NotAllowed` if an obligation to be freed is free already.
    """
    if action in FREEING:
        if payout.released_at is None:
            return release(payout, now)
        if action is Action.RELEASE:
            raise NotAllowed("its obligation was freed before, for another payout to pay")
        # What has come back since then may be paid as well: the debt says how much.
        return replace(payout, version=payout.version + 1, updated_at=now)
    touched = replace(payout, version=payout.version + 1, updated_at=now)
    match action:
        case Action.CANCEL:
            return _end(touched, PayoutStatus.CANCELLED, Reason.CANCELLED, now)
        case Action.FAIL:
            return _end(touched, PayoutStatus.FAILED, Reason.FAILED_BY_HAND, now)
        case Action.LET_GO:
            check_move(payout.status, PayoutStatus.QUEUED)
            return replace(
                touched,
                status=PayoutStatus.QUEUED,
                reason=Reason.LET_GO,
                next_send_at=now,
                let_go_at=now,
            )
        case Action.RESEND:
            terms = replace(payout.terms, gateway_url=gateway_url or payout.terms.gateway_url)
            again = wanted_at(payout, now)
            return replace(touched, terms=terms, next_send_at=now, let_go_at=again)
        case Action.RELEASE | Action.REPLACE | Action.RESOLVE:
            return touched


def _end(payout: Payout, status: PayoutStatus, reason: Reason, now: datetime) -> Payout:
    check_move(payout.status, status)
    return replace(payout, status=status, reason=reason, next_send_at=None, finalized_at=now)

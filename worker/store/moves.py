"""
What a decision changes in a payout's row, in every ledger.
"""

from datetime import datetime

from worker.payouts.model import Payout
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus, Reason

#: The moves that a decision makes; the other actions leave the status as it is.
_MOVES = {
    Action.CANCEL: (PayoutStatus.CANCELLED, Reason.CANCELLED),
    Action.LET_GO: (PayoutStatus.QUEUED, Reason.LET_GO),
    Action.FAIL: (PayoutStatus.FAILED, Reason.FAILED_BY_HAND),
}


def move(action: Action, payout: Payout) -> tuple[PayoutStatus, Reason]:
    """
    The status and the reason after an action.
    """
    return _MOVES.get(action, (payout.status, payout.reason))


def changes(action: Action, now: datetime) -> dict[str, datetime | None]:
    """
    The times that an action sets.
    """
    match action:
        case Action.CANCEL | Action.FAIL:
            return {"next_send_at": None, "settled_at": now}
        case Action.LET_GO:
            return {"next_send_at": now, "let_go_at": now}
        case Action.RESEND:
            return {"next_send_at": now}
        case _:
            return {}

"""
What holds a payout back before it is sent, until a person decides.
"""

import enum

from worker.payouts.model import CaseKind
from worker.payouts.status import Reason


class Hold(enum.Enum):
    """
    A control that stops a payout: the reason that is told, the case, and its name in the history.
    """

    #: Its payee is on the review list.
    REVIEW = (Reason.REVIEW, CaseKind.REVIEW, "review list")
    #: Its payee is on the deny list. What is told is what the review list tells.
    DENIED = (Reason.REVIEW, CaseKind.DENIED, "deny list")
    #: As much was to go to the same payee shortly before.
    DUPLICATE = (Reason.DUPLICATE, CaseKind.DUPLICATE, "duplicates")

    #: It would exceed a limit of its producer's.
    AMOUNT_LIMIT = (Reason.LIMIT, CaseKind.LIMIT, "limit of an amount")
    DAY_LIMIT = (Reason.LIMIT, CaseKind.LIMIT, "limit of a day")
    PAYEE_LIMIT = (Reason.LIMIT, CaseKind.LIMIT, "limit of new payees")

    def __init__(self, reason: Reason, case: CaseKind, actor: str) -> None:
        self.reason = reason
        self.case = case
        self.actor = actor


#: The cases of what is held: only letting it go or withdrawing it closes one.
HELD_BACK = frozenset({CaseKind.STALE, *(hold.case for hold in Hold)})

#: How people put what is held into the queue.
BY_PEOPLE = frozenset({Reason.LET_GO, Reason.APPROVED})

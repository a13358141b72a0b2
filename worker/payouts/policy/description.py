"""
What a payout is, and what its obligation lacks to be free, in the words of a refusal.
"""

from worker.payouts.model import Payout
from worker.payouts.money import yuan
from worker.payouts.status import PayoutStatus

_UNPROVEN = "nothing proves yet that it was not, and will not be, paid"
_REFUSED = "a refusal of the only attempt and one later query that finds nothing"
_CLOSED = "CLOS in two queries at least 24 hours apart"
_ASK = "`payouts query` asks now"

_MISSING = {
    PayoutStatus.QUEUED: "it may still be sent: `payouts cancel` withdraws it first",
    PayoutStatus.HELD: "it may still be sent: `payouts cancel` withdraws it first",
    PayoutStatus.FAILED: f"{_UNPROVEN}. That takes {_CLOSED}, or {_REFUSED}: {_ASK}",
    PayoutStatus.PAID: (
        "the payee has the money, and freed, the obligation would be paid twice. Only a full return"
        f" told by a query frees it: {_ASK}"
    ),
    PayoutStatus.RETURNED: f"only a query proves that: {_ASK}",
}


def what_it_is(payout: Payout) -> str:
    """
    A payout's status, and what came back of it.
    """
    told = f"it is {payout.status}"
    if _is_partly_returned(payout):
        told += f", and {yuan(payout.returned_fen)} of {yuan(payout.amount_fen)} yuan came back"
    return told


def why_not_free(payout: Payout) -> str:
    """
    Why nothing frees a payout's obligation as things are.
    """
    told = what_it_is(payout)
    if payout.released_at is not None:
        return f"{told}, and its obligation was freed before, for another payout to pay"
    if _is_partly_returned(payout):
        return f"{told}: the payee has the rest. `payouts replace` pays anew what came back"
    lacking = f"{_UNPROVEN}. That takes {_CLOSED}, or a full return told by a query, or {_REFUSED}"
    return f"{told}: {_MISSING.get(payout.status, f'{lacking}: {_ASK}')}"


def why_not_replaced(payout: Payout) -> str:
    """
    Why no other payout may pay instead of one as things are.
    """
    if _is_partly_returned(payout) and payout.released_at is None:
        return f"{what_it_is(payout)}, as no answer to a question says: {_ASK}"
    return why_not_free(payout)


def _is_partly_returned(payout: Payout) -> bool:
    return payout.status is PayoutStatus.PAID and 0 < payout.returned_fen < payout.amount_fen

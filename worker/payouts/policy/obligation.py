"""
Another payout for the same obligation: what it may be, so that no more is paid than is owed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Order, Payout
from worker.payouts.status import PayoutStatus


@dataclass(frozen=True, slots=True)
class Share:
    """
    What one payout for an obligation was to pay, and what of it the payee may keep.
    """

    amount_fen: int
    kept_fen: int


def share(status: PayoutStatus, amount_fen: int, returned_fen: int) -> Share:
    """
    Read a payout's share off its row. A payout whose end is open may yet pay all.
    """
    gone = status in {PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.CANCELLED}
    return Share(amount_fen, 0 if gone else amount_fen - returned_fen)


def left_fen(shares: Iterable[Share]) -> int:
    """
    What is still owed: an obligation is as large as the largest payout made for it.
    """
    made = tuple(shares)
    return max(s.amount_fen for s in made) - sum(s.kept_fen for s in made)


def check_release(shares: Iterable[Share]) -> None:
    """
    Raise `NotAllowed` if any may be kept of what is owed: a new job could then pay all of it again.
    """
    if any(s.kept_fen for s in shares):
        raise NotAllowed(
            "an earlier payout for this obligation was paid in part: `payouts replace` limits what"
            " is paid instead"
        )


def most_fen(payout: Payout) -> int:
    """
    The most that may be paid instead of a payout: what came back of it, or else all of it.
    """
    return payout.returned_fen if payout.status is PayoutStatus.PAID else payout.amount_fen


def faults(
    payout: Payout, *, out_trade_no: object, obligation: object, amount_fen: object
) -> Iterator[str]:
    """
    What keeps a job from replacing a payout, field by field; never quotes a value.
    """
    if out_trade_no == payout.out_trade_no:
        yield "out_trade_no: must be new, not the old payout's"
    if obligation != payout.obligation:
        yield "obligation: must be the old payout's, or absent"
    if isinstance(amount_fen, int) and amount_fen > most_fen(payout):
        yield f"amount_fen: must be at most {most_fen(payout)} fen, what is left to pay"


def expired(send_before: datetime | None, now: datetime) -> Iterator[str]:
    """
    What is wrong with a job that could not be sent any more.
    """
    if send_before is not None and send_before <= now:
        yield "send_before: this moment has passed"


def check(payout: Payout, order: Order, shares: Iterable[Share], now: datetime) -> None:
    """
    Raise `NotAllowed` unless the order may replace the payout. `shares` are all its obligation's.
    """
    fields = {
        "out_trade_no": order.out_trade_no,
        "obligation": order.obligation,
        "amount_fen": order.amount_fen,
    }
    found = [*faults(payout, **fields), *expired(order.send_before, now)]
    if not found and order.amount_fen > left_fen(shares):
        found.append("amount_fen: earlier payouts for this obligation leave less to pay")
    if found:
        raise NotAllowed("; ".join(found))

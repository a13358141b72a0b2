"""
The money's journal: append-only, and the only place that knows the balance.
"""

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from worker.sandbox.trade import Status, Step


class Kind(enum.StrEnum):
    """
    Why money moved.
    """

    DEBIT = "debit"  #: an order was booked
    FEE = "fee"  #: its price
    CLOSED = "closed"  #: it was not paid: the amount is credited back
    FEE_BACK = "fee_back"  #: and so is its price
    RETURNED = "returned"  #: the bank sent money back; its price is kept
    CORRECTED = "corrected"  #: a story took back what it had told before


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One movement: negative leaves the merchant's account, positive comes back.
    """

    at: datetime
    kind: Kind
    out_trade_no: str
    change_fen: int
    balance_fen: int

    def to_json(self) -> dict[str, object]:
        """
        The entry as the books show it.
        """
        return {**asdict(self), "at": self.at.isoformat()}


class Journal:
    """
    All movements of one merchant's account. Not thread-safe: the books hold the lock.
    """

    def __init__(self, opening_fen: int) -> None:
        self._balance_fen = opening_fen
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    @property
    def balance_fen(self) -> int:
        """
        What is on the account now.
        """
        return self._balance_fen

    def post(self, at: datetime, kind: Kind, out_trade_no: str, change_fen: int) -> None:
        """
        Move money.
        """
        self._balance_fen += change_fen
        self._entries.append(Entry(at, kind, out_trade_no, change_fen, self._balance_fen))

    def debits(self) -> Counter[str]:
        """
        How often each number was debited: more than once is money paid twice.
        """
        return Counter(entry.out_trade_no for entry in self if entry.kind is Kind.DEBIT)


def movements(
    before: Step | None, after: Step, amount_fen: int, fee_fen: int
) -> Iterator[tuple[Kind, int]]:
    """
    What moves when a booked trade goes from one step to the next: in a story, to any other.
    """
    is_closed = after.status is Status.CLOS
    change = _back_fen(after, amount_fen) - (_back_fen(before, amount_fen) if before else 0)
    if change:
        came_back = Kind.CLOSED if is_closed else Kind.RETURNED
        yield came_back if change > 0 else Kind.CORRECTED, change
    was_closed = before is not None and before.status is Status.CLOS
    if is_closed and not was_closed:
        yield Kind.FEE_BACK, fee_fen
    elif was_closed and not is_closed:
        yield Kind.CORRECTED, -fee_fen


def _back_fen(step: Step, amount_fen: int) -> int:
    match step.status:
        case Status.CLOS:
            return amount_fen
        case Status.REFU:
            return step.refund_fen
        case _:
            return 0

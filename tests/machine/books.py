"""
What the machine's JD has in its books: the truth that the ledger is held against.
"""

import enum
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from worker.payouts.evidence import TradeStatus
from worker.payouts.model import Order
from worker.payouts.status import PayoutStatus

_WHOLE = 100
#: 可用余额不足, as JD's documentation spells it.
_SHORT = "ACC3030007"


class Turn(NamedTuple):
    """
    A trade's status from so many hours after its booking on.
    """

    hours: float
    status: TradeStatus
    #: What came back, in percent of the amount; None where JD does not say.
    percent_back: int | None = None
    reason_code: str | None = None


class Course(enum.Enum):
    """
    What becomes of a trade.
    """

    PAID = (Turn(0, TradeStatus.FINI),)
    PAID_LATER = (Turn(0, TradeStatus.ACSU), Turn(3, TradeStatus.FINI))
    CLOSED = (Turn(0, TradeStatus.CLOS),)
    CLOSED_LATER = (Turn(0, TradeStatus.BUID), Turn(0.5, TradeStatus.CLOS))
    BALANCE_SHORT = (Turn(0, TradeStatus.CLOS, reason_code=_SHORT),)
    RETURNED = (Turn(0, TradeStatus.FINI), Turn(6, TradeStatus.REFU, _WHOLE))
    RETURNED_AT_ONCE = (Turn(0, TradeStatus.FINI), Turn(0.01, TradeStatus.REFU, _WHOLE))
    PARTLY = (Turn(0, TradeStatus.FINI), Turn(6, TradeStatus.REFU, 40))
    PARTLY_THEN_WHOLE = (
        Turn(0, TradeStatus.FINI),
        Turn(6, TradeStatus.REFU, 40),
        Turn(30, TradeStatus.REFU, _WHOLE),
    )
    RETURN_OF_NOTHING = (Turn(0, TradeStatus.FINI), Turn(6, TradeStatus.REFU))
    RETURN_OF_TOO_MUCH = (Turn(0, TradeStatus.FINI), Turn(6, TradeStatus.REFU, 2 * _WHOLE))
    CLOSED_THEN_PAID = (Turn(0, TradeStatus.CLOS), Turn(1, TradeStatus.FINI))
    STUCK = (Turn(0, TradeStatus.WPAR),)


_STANDS = {
    TradeStatus.BUID: PayoutStatus.PROCESSING,
    TradeStatus.ACSU: PayoutStatus.PROCESSING,
    TradeStatus.WPAR: PayoutStatus.PROCESSING,
    TradeStatus.FINI: PayoutStatus.PAID,
    TradeStatus.CLOS: PayoutStatus.FAILED,
    TradeStatus.REFU: PayoutStatus.RETURNED,
}


@dataclass(frozen=True)
class Trade:
    """
    One booked order. Without a request it is someone else's, who used a number of ours.
    """

    number: str
    amount_fen: int
    trade_no: str
    booked_at: datetime
    #: From when on JD's own parts know of it: queries find it, and its number counts as used.
    known_at: datetime
    course: Course
    request: str | None = None
    order: Order | None = None

    def turns(self, now: datetime) -> list[Turn]:
        """
        Every status that it ever had until then.
        """
        return [t for t in self.course.value if self.booked_at + timedelta(hours=t.hours) <= now]

    def stood(self, now: datetime) -> list[PayoutStatus]:
        """
        Where each of them puts a payout; a return that is not of the whole amount leaves it paid.
        """
        return [
            PayoutStatus.PAID
            if turn.status is TradeStatus.REFU and turn.percent_back != _WHOLE
            else _STANDS[turn.status]
            for turn in self.turns(now)
        ]

    def back_fen(self, turn: Turn) -> int | None:
        """
        What came back, as JD names it.
        """
        return None if turn.percent_back is None else self.amount_fen * turn.percent_back // _WHOLE

    def returned_fen(self, now: datetime) -> int:
        """
        What truly came back until then.
        """
        named = [self.back_fen(turn) or 0 for turn in self.turns(now)]
        return max(fen for fen in [*named, 0] if fen <= self.amount_fen)


@dataclass
class Books:
    """
    Everything that JD booked and refused.
    """

    trades: dict[str, Trade] = field(default_factory=dict)
    #: How often each number of ours was debited.
    debits: Counter[str] = field(default_factory=Counter)
    #: How many orders with each number were refused.
    refused: Counter[str] = field(default_factory=Counter)

    def book(self, trade: Trade) -> None:
        """
        Debit an order.
        """
        self.trades[trade.number] = trade
        if trade.request is not None:
            self.debits[trade.number] += 1

    def kept_fen(self, now: datetime) -> dict[str, int]:
        """
        Debits of ours minus what came back, by number.
        """
        kept = {}
        for number, times in self.debits.items():
            trade = self.trades[number]
            closed = trade.turns(now)[-1].status is TradeStatus.CLOS
            back = trade.amount_fen if closed else trade.returned_fen(now)
            kept[number] = times * trade.amount_fen - back
        return kept

"""
What the model of JD has in its books: each trade with its course, and what it ever said of it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.factories import MERCHANT
from worker.payouts.evidence import Meaning, TradeStatus
from worker.payouts.policy.classification import BALANCE_SHORT
from worker.payouts.status import PayoutStatus

#: Where each trade status puts a payout; a return of a part leaves it paid.
STANDS = {
    TradeStatus.BUID: PayoutStatus.PROCESSING,
    TradeStatus.ACSU: PayoutStatus.PROCESSING,
    TradeStatus.WPAR: PayoutStatus.PROCESSING,
    TradeStatus.FINI: PayoutStatus.PAID,
    TradeStatus.CLOS: PayoutStatus.FAILED,
    TradeStatus.REFU: PayoutStatus.RETURNED,
}
_UNDER_WAY = (TradeStatus.BUID, TradeStatus.ACSU, TradeStatus.WPAR)

#: How a trade ends, and how many of a hundred end so.
_ENDS = {
    "paid": 40,
    "closed": 14,
    "short": 4,
    "returned": 14,
    "partly": 6,
    "partly_then_whole": 6,
    "partly_then_less": 4,
    "odd_return": 4,
    "closed_then_paid": 4,
    "closed_then_open": 2,
    "closed_late": 2,
    "stuck": 4,
}


@dataclass(frozen=True)
class Step:
    """
    A trade's status from a moment on.
    """

    at: float
    status: TradeStatus
    refund_fen: int | None = None
    reason_code: str | None = None


@dataclass
class Trade:
    """
    One booked order.
    """

    number: str
    amount_fen: int
    trade_no: str
    booked_at: float
    #: From when on JD's own parts know of it: queries find it, and its number counts as used.
    known_at: float
    request: str
    steps: list[Step]
    #: Whether JD refused the order in a signed reply, and booked it all the same.
    denied: bool = False
    merchant: str = MERCHANT

    def step(self, seconds: float) -> Step:
        """
        Where it stands at that time.
        """
        return [step for step in self.steps if step.at <= seconds][-1]

    def stood(self, seconds: float) -> set[PayoutStatus]:
        """
        Every place where it ever stood until that time.
        """
        reached = [step for step in self.steps if step.at <= seconds]
        return {
            PayoutStatus.PAID if self._is_part(step) else STANDS[step.status] for step in reached
        }

    def returned_fen(self, seconds: float) -> int:
        """
        What came back until that time.
        """
        named = [s.refund_fen or 0 for s in self.steps if s.at <= seconds]
        return max(fen if fen <= self.amount_fen else 0 for fen in named)

    @property
    def is_fickle(self) -> bool:
        """
        Whether it came to be although JD had said that it never would, or less of it came back.
        """
        back = [s.refund_fen or 0 for s in self.steps if s.status is TradeStatus.REFU]
        return (
            self.denied
            or back != sorted(back)
            or any(step.status is TradeStatus.CLOS for step in self.steps[:-1])
            or {TradeStatus.CLOS, TradeStatus.FINI} <= {step.status for step in self.steps}
        )

    def _is_part(self, step: Step) -> bool:
        return step.status is TradeStatus.REFU and step.refund_fen != self.amount_fen


@dataclass
class Books:
    """
    Everything that JD knows, and some of what it did.
    """

    trades: dict[str, Trade] = field(default_factory=dict)
    #: How often each number was debited, and what those debits come to.
    debits: Counter[str] = field(default_factory=Counter)
    debited_fen: Counter[str] = field(default_factory=Counter)
    #: The meanings with which the orders of each number were refused.
    refused: defaultdict[str, list[Meaning]] = field(default_factory=lambda: defaultdict(list))

    def book(self, trade: Trade) -> None:
        """
        Debit an order.
        """
        self.trades[trade.number] = trade
        self.debits[trade.number] += 1
        self.debited_fen[trade.number] += trade.amount_fen

    def kept_fen(self, seconds: float) -> dict[str, int]:
        """
        Debits minus what came back, by number.
        """
        kept = {}
        for number, trade in self.trades.items():
            closed = trade.step(seconds).status is TradeStatus.CLOS
            back = trade.amount_fen if closed else trade.returned_fen(seconds)
            kept[number] = self.debited_fen[number] - back
        return kept


def course(
    rng: Random,
    amount_fen: int,
    booked_at: float,
    return_within: float,
    ends: Mapping[str, int] | None = None,
) -> list[Step]:
    """
    Draw what becomes of a trade; returns come within that many seconds of success.

    `ends` says how often it ends in each way, if it is not as usual.
    """
    begun = Step(booked_at, rng.choice(_UNDER_WAY))
    ends = ends or _ENDS
    end = rng.choices(list(ends), list(ends.values()))[0]
    decided = booked_at + rng.choice((0.0, rng.uniform(1, 60), rng.uniform(60, 7200)))
    first = [] if decided == booked_at else [begun]
    paid = Step(decided, TradeStatus.FINI)
    closed = Step(decided, TradeStatus.CLOS)
    back = decided + rng.choice((rng.uniform(1, 600), rng.uniform(600, return_within)))
    later = back + rng.uniform(0, return_within / 8)
    part = max(1, amount_fen * rng.randrange(1, 100) // 100)
    odd = rng.choice((None, 0, amount_fen + 1))
    match end:
        case "paid":
            return [*first, paid]
        case "closed":
            return [*first, closed]
        case "short":
            return [*first, Step(decided, TradeStatus.CLOS, reason_code=BALANCE_SHORT)]
        case "returned":
            return [*first, paid, Step(back, TradeStatus.REFU, amount_fen)]
        case "partly":
            return [*first, paid, Step(back, TradeStatus.REFU, part)]
        case "partly_then_whole":
            whole = Step(later, TradeStatus.REFU, amount_fen)
            return [*first, paid, Step(back, TradeStatus.REFU, part), whole]
        case "partly_then_less":
            less = Step(later, TradeStatus.REFU, part // 2 or None)
            return [*first, paid, Step(back, TradeStatus.REFU, part), less]
        case "odd_return":
            return [*first, paid, Step(back, TradeStatus.REFU, odd)]
        case "closed_then_paid":
            return [*first, closed, Step(back, TradeStatus.FINI)]
        case "closed_then_open":
            again = Step(later, TradeStatus.CLOS)
            return [*first, closed, Step(back, rng.choice(_UNDER_WAY)), again]
        case "closed_late":
            return [*first, paid, Step(back, TradeStatus.CLOS)]
        case _:
            return [begun]

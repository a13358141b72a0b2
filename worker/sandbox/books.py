"""
The sandbox's own books: what was ordered, what became of it, and where the money went.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from worker.sandbox.behaviour import Intake, Notice, Status, Step, Timing, notices, timeline
from worker.sandbox.dates import BEIJING, utc_now
from worker.sandbox.journal import Journal, Kind
from worker.sandbox.scenarios import Scenario, scenario_of

Clock = Callable[[], datetime]

#: The merchant may send these anew each time; they do not say what is to be paid.
_NOT_CONTENT = frozenset({"request_datetime"})


@dataclass(frozen=True, slots=True)
class Order:
    """
    A number that was transmitted at least once, as it stands at one moment.
    """

    #: As sent. They hold the payee's data, and are never shown.
    request: Mapping[str, str] = field(repr=False)
    scenario: Scenario
    trade_no: str
    #: None while it is not booked: to a query, such a trade does not exist.
    step: Step | None = None
    #: When it was paid or closed.
    decided_at: datetime | None = None
    transmissions: int = 1
    queries: int = 0
    notifications: int = 0
    acknowledged: int = 0

    @property
    def number(self) -> str:
        """
        The merchant's number for it, its `out_trade_no`.
        """
        return self.request["out_trade_no"]

    @property
    def amount_fen(self) -> int:
        """
        What is to be paid.
        """
        return int(self.request["trade_amount"])


@dataclass(frozen=True, slots=True)
class Intaken:
    """
    What the books did with one transmission.
    """

    order: Order
    is_duplicate: bool
    #: To be sent, if this transmission was booked.
    notices: list[Notice]


class Books:
    """
    One merchant's orders and money; any thread may use them.

    Time moves them: every call first takes the steps that have become due.
    """

    def __init__(
        self, timing: Timing, *, opening_fen: int, fee_fen: int, clock: Clock = utc_now
    ) -> None:
        self._timing = timing
        self._fee_fen = fee_fen
        self._clock = clock
        self._lock = threading.RLock()
        self._orders: dict[str, Order] = {}
        self._number_by_trade_no: dict[str, str] = {}
        self._journal = Journal(opening_fen)
        self._due: list[tuple[datetime, int, str, Step]] = []
        self._sequence = itertools.count(1)
        self._refused_duplicates = 0
        self._conflicting = 0

    def transmit(self, request: Mapping[str, str]) -> Intaken:
        """
        Take in one well-formed request; a number is booked once, whatever is sent.
        """
        with self._lock:
            now = self._catch_up()
            number = request["out_trade_no"]
            known = self._orders.get(number)
            if known is None:
                scenario = scenario_of(request["payee_account_no"])
                order = Order(request, scenario, self._new_trade_no(now))
                self._number_by_trade_no[order.trade_no] = number
            else:
                order = replace(known, transmissions=known.transmissions + 1)
                self._conflicting += _content(known.request) != _content(request)
            self._orders[number] = order
            if order.step is not None:
                self._refused_duplicates += 1
                return Intaken(order, True, [])
            if not _is_booked(order):
                return Intaken(order, False, [])
            return self._book(replace(order, request=request), now)

    def query(self, number: str | None, trade_no: str | None) -> Order | None:
        """
        Count a query, and return the order that it names by either number.
        """
        with self._lock:
            self._catch_up()
            key = number or self._number_by_trade_no.get(trade_no or "")
            if key is None or key not in self._orders:
                return None
            return self._change(key, queries=self._orders[key].queries + 1)

    def find(self, number: str) -> Order:
        """
        The order of a number that was transmitted.
        """
        with self._lock:
            self._catch_up()
            return self._orders[number]

    def notified(self, number: str, *, acknowledged: bool) -> None:
        """
        Count a notification that was sent.
        """
        with self._lock:
            order = self._orders[number]
            self._change(
                number,
                notifications=order.notifications + 1,
                acknowledged=order.acknowledged + acknowledged,
            )

    def balance_fen(self) -> int:
        """
        What is on the merchant's account now.
        """
        with self._lock:
            self._catch_up()
            return self._journal.balance_fen

    def report(self) -> dict[str, object]:
        """
        Everything but the payees, for JSON.
        """
        with self._lock:
            self._catch_up()
            debits = self._journal.debits()
            return {
                "balance_fen": self._journal.balance_fen,
                "orders": [_row(order, debits[order.number]) for order in self._orders.values()],
                "debits": debits.total(),
                "duplicates": sum(times > 1 for times in debits.values()),
                "refused_duplicates": self._refused_duplicates,
                "conflicting": self._conflicting,
                "journal": [entry.to_json() for entry in self._journal],
            }

    def _book(self, order: Order, now: datetime) -> Intaken:
        steps = timeline(order.scenario.course, order.amount_fen, now, self._timing)
        self._orders[order.number] = order
        self._journal.post(now, Kind.DEBIT, order.number, -order.amount_fen)
        self._journal.post(now, Kind.FEE, order.number, -self._fee_fen)
        for step in steps:
            heapq.heappush(self._due, (step.at, next(self._sequence), order.number, step))
        self._catch_up_to(now)
        planned = notices(order.scenario.notices, steps, self._timing)
        return Intaken(self._orders[order.number], False, planned)

    def _catch_up(self) -> datetime:
        now = self._clock()
        self._catch_up_to(now)
        return now

    def _catch_up_to(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, number, step = heapq.heappop(self._due)
            self._take(number, step)

    def _take(self, number: str, step: Step) -> None:
        order = self._change(number, step=step)
        match step.status:
            case Status.WPAR:
                pass
            case Status.FINI:
                self._change(number, decided_at=step.at)
            case Status.CLOS:
                self._change(number, decided_at=step.at)
                self._journal.post(step.at, Kind.CLOSED, number, order.amount_fen)
                self._journal.post(step.at, Kind.FEE_BACK, number, self._fee_fen)
            case Status.REFU:
                self._journal.post(step.at, Kind.RETURNED, number, step.refund_fen)

    def _change(self, number: str, **changes: object) -> Order:
        order = replace(self._orders[number], **changes)  # type: ignore[arg-type]
        self._orders[number] = order
        return order

    def _new_trade_no(self, now: datetime) -> str:
        return f"{now.astimezone(BEIJING):%Y%m%d}100042{next(self._sequence):012}"


def _is_booked(order: Order) -> bool:
    match order.scenario.intake:
        case Intake.BOOKED:
            return True
        case Intake.MISSED_ONCE:
            return order.transmissions > 1
        case Intake.REFUSED | Intake.ASTRAY:
            return False


def _content(request: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in request.items() if name not in _NOT_CONTENT}


def _row(order: Order, debits: int) -> dict[str, object]:
    return {
        "out_trade_no": order.number,
        "trade_no": order.trade_no,
        "amount_fen": order.amount_fen,
        "status": order.step and order.step.status,
        "refund_fen": order.step.refund_fen if order.step else 0,
        "debits": debits,
        "transmissions": order.transmissions,
        "scenario": order.scenario.name,
        "queries": order.queries,
        "notifications": order.notifications,
        "acknowledged": order.acknowledged,
    }

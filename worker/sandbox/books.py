"""
The sandbox's own books: what was ordered, what became of it, and where the money went.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from worker.sandbox.behaviour import Notice, Status, Step, Timing
from worker.sandbox.dates import BEIJING, utc_now
from worker.sandbox.journal import Journal, Kind
from worker.sandbox.orders import Order
from worker.sandbox.scenarios import scenario_of
from worker.sandbox.timeline import notices, timeline

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What the books did with one transmission.
    """

    order: Order
    is_duplicate: bool = False
    #: To be sent, if this transmission was booked.
    notices: Sequence[Notice] = ()


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

    def transmit(self, request: Mapping[str, str]) -> Receipt:
        """
        Take in one well-formed request; a number is booked once, whatever is sent.
        """
        with self._lock:
            now = self._catch_up()
            number = request["out_trade_no"]
            known = self._orders.get(number)
            if known is None:
                scenario = scenario_of(request["payee_account_no"])
                order = Order(request, scenario, self._new_trade_no(now), now)
                self._number_by_trade_no[order.trade_no] = number
            else:
                order = replace(known, request=request, transmissions=known.transmissions + 1)
                self._conflicting += order.content != known.content
            if known is not None and known.step is not None:
                self._refused_duplicates += 1
                original = self._change(number, transmissions=order.transmissions)
                return Receipt(original, is_duplicate=True)
            self._orders[number] = order
            return self._book(order, now) if order.may_be_booked else Receipt(order)

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
                "orders": [order.to_json(debits[order.number]) for order in self._orders.values()],
                "debits": debits.total(),
                "duplicates": sum(times > 1 for times in debits.values()),
                "refused_duplicates": self._refused_duplicates,
                "conflicting": self._conflicting,
                "journal": [entry.to_json() for entry in self._journal],
            }

    def _book(self, order: Order, now: datetime) -> Receipt:
        steps = timeline(order.scenario.course, order.amount_fen, now, self._timing)
        self._journal.post(now, Kind.DEBIT, order.number, -order.amount_fen)
        self._journal.post(now, Kind.FEE, order.number, -self._fee_fen)
        for step in steps:
            heapq.heappush(self._due, (step.at, next(self._sequence), order.number, step))
        self._catch_up_to(now)
        planned = notices(order.scenario.notices, steps, self._timing)
        return Receipt(self._orders[order.number], notices=planned)

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

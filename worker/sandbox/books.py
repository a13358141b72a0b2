"""
The sandbox's own books: what was ordered, what became of it, and where the money went.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from worker.sandbox.behaviour import Notice, Timing
from worker.sandbox.dates import BEIJING, utc_now
from worker.sandbox.journal import Journal, Kind, movements
from worker.sandbox.orders import Order
from worker.sandbox.record import Record
from worker.sandbox.saying import Answer
from worker.sandbox.scenarios import DEFAULT, scenario_of
from worker.sandbox.script import NO_SCRIPT, Script
from worker.sandbox.timeline import notices, timeline
from worker.sandbox.trade import Status, Step

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
        self,
        timing: Timing,
        *,
        opening_fen: int,
        fee_fen: int,
        script: Script = NO_SCRIPT,
        record: Record | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._timing = timing
        self._script = script
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
        self._record = record
        for at, request in record or ():
            self._catch_up_to(at)
            self._transmit(request, at)

    def transmit(self, request: Mapping[str, str]) -> Receipt:
        """
        Take in one well-formed request; a number is booked once, whatever is sent.
        """
        with self._lock:
            now = self._catch_up()
            if self._record:
                self._record.add(now, request)
            return self._transmit(request, now)

    def query(self, number: str | None, trade_no: str | None) -> Order | None:
        """
        Count a query, and return the order that it names by either number.
        """
        with self._lock:
            now = self._catch_up()
            key = number or self._number_by_trade_no.get(trade_no or "")
            if key is None or key not in self._orders:
                return None
            asked = self._orders[key]
            place = asked.query_place
            if asked.story:
                place = asked.story.next_query(place, now - asked.received_at)
            order = self._change(key, queries=asked.queries + 1, query_place=place)
            return self._hear(order, order.said_to_query)

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
                "to_come": len(self._due),
                "journal": [entry.to_json() for entry in self._journal],
            }

    def _transmit(self, request: Mapping[str, str], now: datetime) -> Receipt:
        number = request["out_trade_no"]
        known = self._orders.get(number)
        if known is None:
            order = self._new_order(request, now)
            self._number_by_trade_no[order.trade_no] = number
        else:
            order = replace(known, request=request, transmissions=known.transmissions + 1)
            self._conflicting += order.content != known.content
        if known is not None and known.step is not None:
            self._refused_duplicates += 1
            original = self._change(number, transmissions=order.transmissions)
            return Receipt(self._hear(original, original.said_to_submit), is_duplicate=True)
        self._orders[number] = order
        planned = [] if known else self._plan(order)
        if order.may_be_booked:
            planned += self._book(order, now)
        heard = self._hear(self._orders[number], order.said_to_submit)
        return Receipt(heard, notices=planned)

    def _new_order(self, request: Mapping[str, str], now: datetime) -> Order:
        account_no = request["payee_account_no"]
        story = self._script.story_of(request["out_trade_no"], account_no)
        scenario = DEFAULT if story else scenario_of(account_no)
        return Order(request, scenario, self._new_trade_no(now), now, story)

    def _plan(self, order: Order) -> list[Notice]:
        """
        What a story tells in time, from the first transmission on.
        """
        planned = []
        for said in order.story.notifications if order.story else ():
            at = order.received_at + said.at
            step = said.step(order.amount_fen, at) if said.trade_status else Step(at, Status.WPAR)
            planned.append(Notice(at, step, insistent=True, said=said))
            if said.counts:
                self._await(order, step)
        return sorted(planned, key=lambda notice: notice.at)

    def _book(self, order: Order, now: datetime) -> list[Notice]:
        self._journal.post(now, Kind.DEBIT, order.number, -order.amount_fen)
        self._journal.post(now, Kind.FEE, order.number, -self._fee_fen)
        if order.story:
            self._take(order.number, Step(now, Status.WPAR))
            return []
        steps = timeline(order.scenario.course, order.amount_fen, now, self._timing)
        for step in steps:
            self._await(order, step)
        self._catch_up_to(now)
        return notices(order.scenario.notices, steps, self._timing)

    def _await(self, order: Order, step: Step) -> None:
        heapq.heappush(self._due, (step.at, next(self._sequence), order.number, step))

    def _hear(self, order: Order, said: Answer | None) -> Order:
        """
        Take the step that a story has just told, if it counts and the trade is booked.
        """
        if said and said.counts and order.step:
            step = said.step(order.amount_fen, self._clock())
            if (step.status, step.refund_fen) != (order.step.status, order.step.refund_fen):
                self._take(order.number, step)
        return self._orders[order.number]

    def _catch_up(self) -> datetime:
        now = self._clock()
        self._catch_up_to(now)
        return now

    def _catch_up_to(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, number, step = heapq.heappop(self._due)
            order = self._orders[number]
            # What a story tells of a trade that is not booked moves nothing.
            if order.step or not order.story:
                self._take(number, step)

    def _take(self, number: str, step: Step) -> None:
        order = self._orders[number]
        for kind, fen in movements(order.step, step, order.amount_fen, self._fee_fen):
            self._journal.post(step.at, kind, number, fen)
        is_decided = step.status in {Status.FINI, Status.CLOS} or (
            step.status is Status.REFU and order.decided_at is None
        )
        self._change(number, step=step, decided_at=step.at if is_decided else order.decided_at)

    def _change(self, number: str, **changes: object) -> Order:
        order = replace(self._orders[number], **changes)  # type: ignore[arg-type]
        self._orders[number] = order
        return order

    def _new_trade_no(self, now: datetime) -> str:
        return f"{now.astimezone(BEIJING):%Y%m%d}100042{next(self._sequence):012}"

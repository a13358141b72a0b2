"""
A small model of JD: it books what arrives, once for each number, and tells what it has.

It promises what the product counts on and no more: a booked number is known within five minutes,
and a request is under way for four at most. So two not-found answers, the later one asked ten
minutes after the last lease, prove that a number may go out again even if nothing else did.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.factories import MERCHANT, NOON
from tests.simulation.books import Books, Step, Trade, course
from tests.simulation.faults import Weather
from tests.simulation.scheduler import Scheduler
from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import Order, Terms

#: In place of the request that brought someone else's order.
STRANGER = "another's"
_REFUSALS = (Meaning.PAYEE, Meaning.REQUEST, Meaning.CHANNEL, Meaning.BALANCE)
_KNOWN_WITHIN = 300.0
_UNDER_WAY_FOR = 240.0
#: A worker waits no longer than this for a reply.
_READ_TIMEOUT = 30.0


class Jd:
    """
    The gateway as the service calls it, and the books behind it.
    """

    def __init__(
        self, rng: Random, scheduler: Scheduler, weather: Weather, return_within: float
    ) -> None:
        self.books = Books()
        #: When each number was last asked for and signed "not found", by when that was asked.
        self.denied: defaultdict[str, list[datetime]] = defaultdict(list)
        #: Called for each connection that brings an order, and for each order that is booked.
        self.connected: Callable[[str], None] = lambda _number: None
        self.booked: Callable[[Trade], None] = lambda _trade: None
        self._rng = rng
        self._scheduler = scheduler
        self._weather = weather
        self._return_within = return_within
        self._sent: Counter[str] = Counter()
        #: How far JD's clock is from ours.
        self._skew = rng.uniform(-240, 240)

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        A text that differs each time, as a request that names its moment does.
        """
        return f"{order.out_trade_no}|{order.amount_fen}|{requested_at.isoformat()}"

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Carry an order to JD, with all that may happen on the way.
        """
        number = request.partition("|")[0]
        for last in (False, False, True):
            self._may_connect(before_connect)
            if not self._weather.strikes("connection_refused"):
                break
            if last:
                raise NotSent("refused")
            self._pass_time(0.4)
        self.connected(number)
        self._sent[number] += 1
        again = self._sent[number] > 1
        if self._weather.strikes("resend_lost" if again else "request_lost"):
            self._time_out()
        if self._weather.strikes("request_late"):
            delay = self._rng.uniform(0, _UNDER_WAY_FOR)
            self._scheduler.after(delay, lambda: self._arrive(request) and None)
            self._time_out()
        self._pass_time(1)
        answer = self._arrive(request)
        if self._weather.strikes("reply_lost"):
            self._time_out()
        self._pass_time(5)
        return self._spoilt(answer)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Say what became of a number.
        """
        self._pass_time(1)
        if self._weather.strikes("query_lost"):
            self._time_out()
        answer = self._spoilt(self._look_up(out_trade_no))
        if answer.verified and answer.meaning is Meaning.NOT_FOUND:
            self.denied[out_trade_no].append(asked_at)
        self._pass_time(2)
        return answer

    def notice(self, trade: Trade, step: Step) -> Answer:
        """
        A notification of a step, as it may reach us.
        """
        if self._weather.strikes("notice_forged"):
            status = self._rng.choice(list(TradeStatus))
            return replace(self._telling(trade, replace(step, status=status)), verified=False)
        return self._spoilt(self._telling(trade, step))

    def take_number(self, number: str, amount_fen: int) -> None:
        """
        Book an order of someone else's that used one of our numbers an hour ago.

        JD may notify us of it, or whoever sent it.
        """
        before = self._scheduler.seconds - 3600
        steps = [Step(before, self._rng.choice((TradeStatus.FINI, TradeStatus.CLOS)))]
        trade = Trade(number, amount_fen, "JD-before", before, before, STRANGER, steps)
        self.books.book(trade)
        if self._rng.random() < 0.5:
            self.booked(trade)

    def _may_connect(self, before_connect: Callable[[], None]) -> None:
        process = self._scheduler.current
        process.connecting = True
        try:
            before_connect()
        finally:
            process.connecting = False

    def _arrive(self, request: str) -> Answer:
        number, amount_fen, _ = request.split("|")
        now = self._scheduler.seconds
        known = self.books.trades.get(number)
        if self._weather.strikes("resend_refused" if self._sent[number] > 1 else "code_refused"):
            meaning = self._rng.choice(_REFUSALS)
            self.books.refused[number].append(meaning)
            if known is None and self._weather.strikes("refused_and_booked"):
                self._book(request, int(amount_fen)).denied = True
            return _bare(meaning)
        if known is not None and known.known_at <= now:
            if self._weather.strikes("bare_duplicate"):
                return _bare(Meaning.DUPLICATE)
            return self._telling(known, known.step(now), Meaning.DUPLICATE)
        trade = self._book(request, int(amount_fen))
        if self._weather.strikes("code_unclear"):
            return _bare(Meaning.UNCLEAR)
        return self._telling(trade, trade.step(now))

    def _book(self, request: str, amount_fen: int) -> Trade:
        number, now = request.partition("|")[0], self._scheduler.seconds
        late = self._weather.strikes("found_late")
        known_at = now + (self._rng.uniform(0, _KNOWN_WITHIN) if late else 0)
        steps = course(self._rng, amount_fen, now, self._return_within)
        trade_no = f"JD{len(self.books.trades)}"
        trade = Trade(number, amount_fen, trade_no, now, known_at, request, steps)
        self.books.book(trade)
        self.booked(trade)
        return trade

    def _look_up(self, number: str) -> Answer:
        if self._weather.strikes("code_unclear"):
            return _bare(Meaning.UNCLEAR)
        if self._weather.strikes("no_result"):
            return _bare(Meaning.NO_RESULT)
        now = self._scheduler.seconds
        trade = self.books.trades.get(number)
        if trade is None or trade.known_at > now or self._weather.strikes("forgotten"):
            return _bare(Meaning.NOT_FOUND)
        return self._telling(trade, trade.step(now))

    def _telling(self, trade: Trade, step: Step, meaning: Meaning = Meaning.PROCESSED) -> Answer:
        said = (trade.number, trade.amount_fen, step.status, step.refund_fen)
        return Answer(
            verified=True,
            meaning=meaning,
            code="0000",
            merchant=MERCHANT,
            number=trade.number,
            amount_fen=trade.amount_fen,
            currency="CNY",
            trade_status=step.status,
            trade_no=trade.trade_no,
            refund_fen=step.refund_fen,
            reason_code=step.reason_code,
            traded_at=NOON + timedelta(seconds=trade.booked_at + self._skew),
            raw=repr(said).encode(),
        )

    def _spoilt(self, answer: Answer) -> Answer:
        strikes, rng = self._weather.strikes, self._rng
        if strikes("unsigned"):
            lie = rng.choice((answer.trade_status, *TradeStatus))
            return replace(answer, verified=False, trade_status=lie, raw=b"unsigned")
        if answer.number is None:
            return answer
        if strikes("about_another"):
            wrong = {"amount_fen": 1, "merchant": "another", "number": "P-x", "currency": "USD"}
            name = rng.choice(list(wrong))
            lie = rng.choice(list(TradeStatus))
            return replace(answer, trade_status=lie, raw=b"another", **{name: wrong[name]})
        if strikes("incomplete"):
            name = rng.choice(("amount_fen", "merchant", "number", "currency"))
            return replace(answer, raw=b"incomplete", **{name: None})
        if strikes("second_trade_no"):
            return replace(answer, trade_no="JD-second", raw=answer.raw + b"2")
        return answer

    def _pass_time(self, seconds: float) -> None:
        if not self._weather.calm:
            self._scheduler.sleep(self._rng.uniform(0, seconds))

    def _time_out(self) -> None:
        self._pass_time(_READ_TIMEOUT)
        raise MaybeSent("read_timeout")


def _bare(meaning: Meaning) -> Answer:
    """
    A signed answer that names nothing but its code.
    """
    return Answer(verified=True, meaning=meaning, code=meaning.value, raw=meaning.value.encode())

"""
A small model of JD: it books what arrives, once for each number, and tells what it has.

It promises what the product counts on and no more: a booked number is known within five minutes,
and a request is under way for four at most. So two not-found answers, the later one asked ten
minutes after the last lease, prove that a number may go out again even if nothing else did, and
even if JD books a number as often as it arrives.

Its words may be at odds with its books, as the seed says: it denies or refuses what it booked, and
tells what never was. It keeps a list of the numbers that it lied about. The product may be deceived
by lies that fit together, and must not act on any that do not.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.factories import MERCHANT, NOON
from tests.simulation import words
from tests.simulation.books import Books, Step, Trade, course
from tests.simulation.faults import Weather
from tests.simulation.moods import Mood
from tests.simulation.scheduler import Scheduler
from tests.simulation.words import Fields
from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import Order, Terms

#: In place of the request that brought someone else's order.
STRANGER = "another's"
_KNOWN_WITHIN = 300.0
_UNDER_WAY_FOR = 240.0
#: A worker waits no longer than this for a reply.
_READ_TIMEOUT = 30.0


class Jd:
    """
    The gateway as the service calls it, and the books behind it.
    """

    def __init__(
        self,
        rng: Random,
        scheduler: Scheduler,
        weather: Weather,
        return_within: float,
        mood: Mood,
    ) -> None:
        self.books = Books()
        #: When each number was last asked for and signed "not found", by when that was asked.
        self.denied: defaultdict[str, list[datetime]] = defaultdict(list)
        #: The numbers about which it told what its books do not show.
        self.lied: set[str] = set()
        #: Called for each connection that brings an order, and for each order that is booked.
        self.connected: Callable[[str], None] = lambda _number: None
        self.booked: Callable[[Trade], None] = lambda _trade: None
        #: Whose number it is.
        self.merchant_of: Callable[[str], str] = lambda _number: MERCHANT
        self._rng = rng
        self._scheduler = scheduler
        self._weather = weather
        self._return_within = return_within
        self._mood = mood
        self._sent: Counter[str] = Counter()
        #: The numbers that it refused and does not take a second time.
        self._used_up: set[str] = set()
        #: How far JD's clock is from ours.
        self._skew = rng.uniform(-240, 240)
        #: Whether it books a number once, however often it arrives.
        self.deduplicates = rng.random() < 0.7

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
            self._scheduler.after(delay, lambda: self._arrive(request))
            self._time_out()
        self._pass_time(1)
        told = self._arrive(request)
        if self._weather.strikes("reply_lost"):
            self._time_out()
        self._pass_time(5)
        return self._spoilt(number, told)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Say what became of a number.
        """
        self._pass_time(1)
        if self._weather.strikes("query_lost"):
            self._time_out()
        answer = self._spoilt(out_trade_no, self._look_up(out_trade_no))
        if answer.verified and answer.meaning is Meaning.NOT_FOUND:
            self.denied[out_trade_no].append(asked_at)
        self._pass_time(2)
        return answer

    def turn_away(self, request: str, before_connect: Callable[[], None]) -> Answer:
        """
        Refuse an order as a place does that does not know the merchant; its reply may get lost.
        """
        number = request.partition("|")[0]
        self._may_connect(before_connect)
        self.connected(number)
        self._sent[number] += 1
        self._pass_time(1)
        if self._weather.strikes("reply_lost"):
            self._time_out()
        self.books.refused[number].append(Meaning.CHANNEL)
        return words.read(words.bare(Meaning.CHANNEL))

    def deny(self, number: str, asked_at: datetime) -> Answer:
        """
        Know nothing of a number, as that place does.
        """
        self._pass_time(1)
        self.denied[number].append(asked_at)
        return words.read(words.bare(Meaning.NOT_FOUND))

    def notice(self, trade: Trade, step: Step) -> Answer:
        """
        A notification of a step, as it may reach us.
        """
        told = self._telling(trade, step)
        del told["response_code"]
        if self._weather.strikes("notice_forged"):
            status = self._rng.choice(list(TradeStatus))
            return replace(words.read(told | {"trade_status": status}), verified=False)
        return self._spoilt(trade.number, told)

    def rumour(self, number: str, amount_fen: int) -> Answer:
        """
        A signed notification about a number of ours that JD need not have: it may say anything.
        """
        self.lied.add(number)
        told = words.telling(number, amount_fen, self._rng.choice(list(TradeStatus)))
        del told["response_code"]
        return words.read(words.strange(told, amount_fen, self._rng.choice))

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

    def _arrive(self, request: str) -> Fields:
        number, amount_fen, _ = request.split("|")
        now = self._scheduler.seconds
        known = self.books.trades.get(number)
        if self._weather.strikes("resend_refused" if self._sent[number] > 1 else "code_refused"):
            meaning = self._rng.choice(self._mood.refusals)
            self.books.refused[number].append(meaning)
            if self._weather.strikes("number_used_up"):
                self._used_up.add(number)
            if known is None and self._weather.strikes("refused_and_booked"):
                self.lied.add(number)
                self._book(request, int(amount_fen)).denied = True
            return words.bare(meaning)
        if known is None and number in self._used_up:
            return words.bare(Meaning.DUPLICATE)
        if known is not None and known.known_at <= now and self._recognises(known):
            if self._weather.strikes("bare_duplicate"):
                return words.bare(Meaning.DUPLICATE)
            return self._telling(known, known.step(now), Meaning.DUPLICATE)
        trade = self._book(request, int(amount_fen))
        if self._weather.strikes("code_unclear"):
            return words.bare(Meaning.UNCLEAR)
        return self._telling(trade, trade.step(now))

    def _recognises(self, known: Trade) -> bool:
        """
        Whether a number that arrives again is not booked again: another's is never booked anew.
        """
        return self.deduplicates or known.request == STRANGER

    def _book(self, request: str, amount_fen: int) -> Trade:
        number, now = request.partition("|")[0], self._scheduler.seconds
        late = self._weather.strikes("found_late")
        known_at = now + (self._rng.uniform(0, _KNOWN_WITHIN) if late else 0)
        steps = course(self._rng, amount_fen, now, self._return_within, self._mood.ends)
        trade_no = f"JD{len(self.books.trades)}"
        trade = Trade(number, amount_fen, trade_no, now, known_at, request, steps)
        trade.merchant = self.merchant_of(number)
        self.books.book(trade)
        self.booked(trade)
        return trade

    def _look_up(self, number: str) -> Fields:
        if self._weather.strikes("code_unclear"):
            return words.bare(Meaning.UNCLEAR)
        if self._weather.strikes("no_result"):
            return words.bare(Meaning.NO_RESULT)
        now = self._scheduler.seconds
        trade = self.books.trades.get(number)
        if trade is None or trade.known_at > now:
            return words.bare(Meaning.NOT_FOUND)
        if self._weather.strikes("forgotten"):
            self.lied.add(number)
            return words.bare(Meaning.NOT_FOUND)
        return self._telling(trade, trade.step(now))

    def _telling(self, trade: Trade, step: Step, meaning: Meaning = Meaning.PROCESSED) -> Fields:
        told = words.telling(
            trade.number,
            trade.amount_fen,
            step.status,
            code=words.CODES[meaning],
            trade_no=trade.trade_no,
            refund_fen=step.refund_fen,
            reason=step.reason_code,
            dated=NOON + timedelta(seconds=trade.booked_at + self._skew),
        )
        return told | {"customer_no": trade.merchant}

    def _spoilt(self, number: str, told: Fields) -> Answer:
        strikes, rng = self._weather.strikes, self._rng
        if strikes("unsigned"):
            lie = rng.choice(list(TradeStatus))
            unsigned = words.read(told | {"trade_status": lie})
            return replace(unsigned, verified=False, raw=b"unsigned")
        if strikes("strange"):
            self.lied.add(number)
            trade = self.books.trades.get(number)
            whole = 1000 if trade is None else trade.amount_fen
            if trade is not None and rng.random() < 0.3:
                told = self._telling(trade, rng.choice(trade.steps))
            return words.read(words.strange(told, whole, rng.choice))
        if "out_trade_no" not in told:
            return words.read(told)
        if strikes("about_another"):
            wrong = {
                "trade_amount": "1",
                "customer_no": "another",
                "out_trade_no": "P-x",
                "trade_currency": "USD",
            }
            name = rng.choice(list(wrong))
            lie = rng.choice(list(TradeStatus))
            return words.read(told | {"trade_status": lie, name: wrong[name]})
        if strikes("incomplete"):
            names = ("trade_amount", "customer_no", "out_trade_no", "trade_currency")
            lost = rng.choice(names)
            return words.read({name: value for name, value in told.items() if name != lost})
        if strikes("second_trade_no"):
            return words.read(told | {"trade_no": "JD-second"})
        return words.read(told)

    def _pass_time(self, seconds: float) -> None:
        if not self._weather.calm:
            self._scheduler.sleep(self._rng.uniform(0, seconds))

    def _time_out(self) -> None:
        self._pass_time(_READ_TIMEOUT)
        raise MaybeSent("read_timeout")

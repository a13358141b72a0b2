"""
The machine's JD as the service calls it.

It promises what the product counts on and no more: a booked number is known within four minutes,
and a request is under way for four at most. It books a number once, or as often as it arrives.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from tests.factories import a_bare, a_trade
from tests.machine.books import Books, Course, Trade
from tests.machine.fates import (
    BOOKS_NOT,
    CODES,
    NO_ANSWER,
    REFUSES,
    WORDS,
    Fate,
    Fortune,
    Reply,
    Spoil,
    Word,
    spoilt,
)
from tests.machine.virtual import VirtualClock
from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import Order, Terms

_TRIES = 3
_READ_TIMEOUT = timedelta(seconds=30)
_EXCHANGE = timedelta(seconds=1)


class Gateway:
    """
    Meets each request and each question with what was drawn for it, then is honest.
    """

    def __init__(
        self,
        clock: VirtualClock,
        books: Books,
        connecting: Callable[[], AbstractContextManager[None]],
        met: Counter[str],
    ) -> None:
        self.fortunes: deque[Fortune] = deque()
        self.replies: deque[Reply] = deque()
        #: Called when a connection brings an order, and when an order is booked.
        self.connected: Callable[[str, str], None] = lambda _number, _request: None
        self.booked: Callable[[Trade], None] = lambda _trade: None
        #: When each question was asked that got a signed "not found", by number.
        self.denied: defaultdict[str, list[datetime]] = defaultdict(list)
        #: How often a signed "not found" was untrue: JD's own parts knew of the trade.
        self.untrue: Counter[str] = Counter()
        #: Whether a number that it knows is not booked again.
        self.deduplicates = True
        #: Whether its messages verify with the key that we have.
        self.is_key_ours = True
        #: What each request pays.
        self._orders: dict[str, Order] = {}
        self._clock = clock
        self._books = books
        self._connecting = connecting
        self._met = met

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        A text that differs each time, as a request that names its moment does.
        """
        request = f"{order.out_trade_no}|{order.amount_fen}|{requested_at.isoformat()}"
        self._orders[request] = order
        return request

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Carry an order to JD.
        """
        fortune = self.fortunes.popleft() if self.fortunes else Fortune()
        fate, number = fortune.fate, request.partition("|")[0]
        self._met.update([str(fate), str(fortune.course), f"reply: {fortune.spoil}"])
        for _ in range(_TRIES if fate is Fate.NOT_CONNECTED else 1):
            with self._connecting():
                before_connect()
        if fate is Fate.NOT_CONNECTED:
            raise NotSent("connect_refused")
        self.connected(number, request)
        self._clock.advance(_EXCHANGE)
        answer: Answer | None = None
        if fate is Fate.LATE:
            late = timedelta(minutes=fortune.minutes) + _READ_TIMEOUT
            self._clock.plan(late, lambda: self._arrive(request, fortune))
        elif fate is not Fate.LOST:
            answer = self._arrive(request, fortune)
        if fate in NO_ANSWER or answer is None:
            if NO_ANSWER[fate] == "read_timeout":
                self._clock.advance(_READ_TIMEOUT)
            raise MaybeSent(NO_ANSWER[fate])
        return self._signed(spoilt(answer, fortune.spoil, fortune.lie))

    def turn_away(self, request: str, before_connect: Callable[[], None]) -> Answer:
        """
        Refuse an order as a place does that does not know the merchant.
        """
        fate = self.fortunes.popleft().fate if self.fortunes else Fate.CHANNEL
        number = request.partition("|")[0]
        with self._connecting():
            before_connect()
        self.connected(number, request)
        self._clock.advance(_EXCHANGE)
        self._books.refused[number] += 1
        if fate in NO_ANSWER:
            raise MaybeSent(NO_ANSWER[fate])
        return a_bare(Meaning.CHANNEL)

    def deny(self, number: str, asked_at: datetime) -> Answer:
        """
        Know nothing of a number, as that place does.
        """
        self._clock.advance(_EXCHANGE)
        self.denied[number].append(asked_at)
        return a_bare(Meaning.NOT_FOUND)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Say what became of a number.
        """
        reply = self.replies.popleft() if self.replies else Reply()
        self._met.update([str(reply.word), f"answer: {reply.spoil}"])
        self._clock.advance(_EXCHANGE)
        if reply.word is Word.NOT_CONNECTED:
            raise NotSent("connect_refused")
        if reply.word is Word.NO_ANSWER:
            self._clock.advance(_READ_TIMEOUT)
            raise MaybeSent("read_timeout")
        truth = self._look_up(out_trade_no)
        answer = a_bare(WORDS[reply.word]) if reply.word in WORDS else truth
        answer = self._signed(spoilt(answer, reply.spoil, reply.lie))
        if answer.verified and answer.meaning is Meaning.NOT_FOUND:
            self.denied[out_trade_no].append(asked_at)
            self.untrue[out_trade_no] += truth.meaning is not Meaning.NOT_FOUND
        return answer

    def notice(self, number: str, amount_fen: int, spoil: Spoil, lie: TradeStatus) -> Answer | None:
        """
        What JD, or whoever forges its messages, tells us of a number now; None if it has no trade.
        """
        trade = self._books.trades.get(number)
        if trade is not None:
            told = replace(self._telling(trade), meaning=Meaning.NONE, code="")
            return self._signed(spoilt(told, spoil, lie))
        if spoil in {Spoil.NOTHING, Spoil.TRADE_NO, Spoil.SOME_BACK}:
            return None
        made_up = a_trade(lie, number=number, amount_fen=amount_fen, refund_fen=amount_fen)
        told = replace(made_up, meaning=Meaning.NONE, code="")
        return self._signed(spoilt(told, spoil, lie))

    def take_number(self, number: str, amount_fen: int, course: Course) -> None:
        """
        Book an order of someone else's that used one of our numbers an hour ago.
        """
        before = self._clock.now - timedelta(hours=1)
        self._books.book(Trade(number, amount_fen, "JD-stranger", before, before, course))

    def _arrive(self, request: str, fortune: Fortune) -> Answer:
        number, fate = request.partition("|")[0], fortune.fate
        if fate in REFUSES:
            self._books.refused[number] += 1
        known = self._books.trades.get(number)
        if known is not None and not self._recognises(known):
            known = None
        if known is None and fate not in BOOKS_NOT:
            known = self._book(request, fortune)
            if fate is not Fate.BARE_DUPLICATE:
                return a_bare(CODES[fate]) if fate in CODES else self._telling(known)
        if fate in CODES or known is None:
            return a_bare(CODES.get(fate, Meaning.UNCLEAR))
        if fate is Fate.BARE_DUPLICATE:
            return a_bare(Meaning.DUPLICATE)
        return self._telling(known, Meaning.DUPLICATE)

    def _signed(self, answer: Answer) -> Answer:
        return answer if self.is_key_ours else replace(answer, verified=False)

    def _recognises(self, known: Trade) -> bool:
        """
        Whether a number that arrives again is not booked again: another's is never booked anew.
        """
        is_known = known.known_at <= self._clock.now
        return is_known and (self.deduplicates or known.request is None)

    def _book(self, request: str, fortune: Fortune) -> Trade:
        number, amount_fen, _ = request.split("|")
        now = self._clock.now
        known_at = now + timedelta(minutes=fortune.minutes)
        trade_no = f"JD-{number}"
        trade = Trade(number, int(amount_fen), trade_no, now, known_at, fortune.course)
        trade = replace(trade, request=request, order=self._orders[request])
        self._books.book(trade)
        self.booked(trade)
        return trade

    def _look_up(self, number: str) -> Answer:
        trade = self._books.trades.get(number)
        if trade is None or trade.known_at > self._clock.now:
            return a_bare(Meaning.NOT_FOUND)
        return self._telling(trade)

    def _telling(self, trade: Trade, meaning: Meaning = Meaning.PROCESSED) -> Answer:
        turn = trade.turns(self._clock.now)[-1]
        return a_trade(
            turn.status,
            meaning=meaning,
            number=trade.number,
            amount_fen=trade.amount_fen,
            trade_no=trade.trade_no,
            refund_fen=trade.back_fen(turn),
            reason_code=turn.reason_code,
            traded_at=trade.booked_at,
        )

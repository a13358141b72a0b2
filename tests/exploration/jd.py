"""
JD in the world of all short histories: it does and says what the next letter tells.

Its books follow what it says. An honest one says nothing that contradicts them. It promises no
deduplication, but that a request arrives within four minutes, and is known once it has. One that
contradicts itself says any word after any other, and books each number once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.exploration.wire import ANOTHER, OURS
from tests.exploration.words import HONEST, Said, Submit, Travels, Word
from tests.factories import MERCHANT
from tests.simulation.words import Fields, telling
from worker.jdpay.signature import SignKey
from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.model import Order, Terms
from worker.sandbox.debts import Trade
from worker.sandbox.trade import Status, Step

UNDER_WAY_FOR = timedelta(minutes=4)
#: What a bank sends back if it sends a part.
PART = 40

_MEANINGS = {
    Submit.PAYEE: Meaning.PAYEE,
    Submit.REQUEST: Meaning.REQUEST,
    Submit.CHANNEL: Meaning.CHANNEL,
    Submit.REFUSED_AND_BOOKED: Meaning.PAYEE,
}
_DEAD = {Submit.DEAD_BEFORE, Submit.DEAD_AFTER}
_UNBOOKED = {Submit.LOST, Submit.DELAYED, Submit.DEAD_BEFORE, *_MEANINGS} - {
    Submit.REFUSED_AND_BOOKED
}
_BOOKED_AS = {Submit.FINI: Said.FINI, Submit.CLOS: Said.CLOS}


class Died(BaseException):
    """
    The worker's process ends here.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Everything about one number on JD's side.
    """

    amount_fen: int = 0
    steps: tuple[tuple[datetime, Said], ...] = ()
    debits: int = 0
    #: Each transmission that left us: when, and whether a signed refusal came back.
    sent: tuple[tuple[datetime, bool], ...] = ()
    #: What is on the wire, since when.
    wire: tuple[datetime, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def says(self) -> Said | None:
        """
        What its books have now; None if nothing is booked.
        """
        return self.steps[-1][1] if self.steps else None

    def trade(self) -> Trade:
        """
        The books, as the auditor takes them.
        """
        told = frozenset({"failed"} if any(w.said is Said.REFUSED for w in self.words) else ())
        steps = [self._step(at, said) for at, said in self.steps]
        return Trade(self.amount_fen, steps, self.debits, told)

    def _step(self, at: datetime, said: Said) -> Step:
        return Step(at, Status(_STATUS[said].value), back_fen(said, self.amount_fen))


_STATUS = {
    Said.WPAR: TradeStatus.WPAR,
    Said.FINI: TradeStatus.FINI,
    Said.CLOS: TradeStatus.CLOS,
    Said.PART: TradeStatus.REFU,
    Said.WHOLE: TradeStatus.REFU,
}


_RETURNS = {Said.PART, Said.WHOLE}
_TOLD = _STATUS | {Said.KNOWN: TradeStatus.FINI}


def back_fen(said: Said, amount_fen: int) -> int:
    """
    What came back, by a word of JD's.
    """
    return {Said.PART: min(PART, amount_fen), Said.WHOLE: amount_fen}.get(said, 0)


@dataclass
class Jd:
    """
    The gateway as the use cases call it.
    """

    now: Callable[[], datetime]
    is_honest: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    #: What the next letter tells it.
    fate: Submit = Submit.LOST
    #: Whether its messages verify with the key that we have.
    is_key_ours: bool = True
    said: Said = Said.NOTHING
    #: Whether it was reached since someone last set this.
    reached: bool = False
    #: Called before a transmission is counted.
    connecting: Callable[[str], None] = lambda _number: None

    def entry(self, number: str) -> Entry:
        """
        What is known of a number.
        """
        return self.entries.get(number) or Entry()

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        The number and the amount: all that this JD looks at.
        """
        return f"{order.out_trade_no}|{order.amount_fen}"

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Do what the letter tells.
        """
        fate = self.fate
        number = self._connect(request, before_connect, is_refused=fate in _MEANINGS)
        now, entry = self.now(), self.entry(number)
        if fate is Submit.DELAYED:
            entry = replace(entry, wire=(*entry.wire, now))
        self.entries[number] = entry
        is_known = bool(entry.steps)
        if fate not in _UNBOOKED:
            self._book(number, _BOOKED_AS.get(fate, Said.WPAR))
        if fate in _DEAD:
            raise Died
        if fate in {Submit.LOST, Submit.DELAYED, Submit.REPLY_LOST}:
            raise MaybeSent("read_timeout")
        if fate is Submit.UNCLEAR:
            return self._signed(_bare(Meaning.UNCLEAR))
        if fate in _MEANINGS:
            self._say(number, Source.REPLY, Said.REFUSED)
            return self._signed(_bare(_MEANINGS[fate]))
        says = self.entry(number).says
        assert says is not None
        self._say(number, Source.REPLY, says)
        meaning = Meaning.DUPLICATE if is_known and not self.is_honest else Meaning.PROCESSED
        return self._telling(number, says, meaning)

    def turn_away(self, request: str, before_connect: Callable[[], None]) -> Answer:
        """
        Refuse an order as a place does that does not know the merchant.
        """
        number = self._connect(request, before_connect, is_refused=True)
        if self.fate is Submit.REPLY_LOST:
            raise MaybeSent("read_timeout")
        self._say(number, Source.REPLY, Said.REFUSED)
        return self._signed(_bare(Meaning.CHANNEL))

    def deny(self, number: str, asked_at: datetime) -> Answer:
        """
        Know nothing of a number, as that place does.
        """
        self._say(number, Source.QUERY, Said.NOT_FOUND)
        return self._signed(_bare(Meaning.NOT_FOUND))

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Answer what the letter tells.
        """
        if self.said is Said.NOTHING:
            raise MaybeSent("read_timeout")
        self._tell(out_trade_no, Source.QUERY, self.said)
        if self.said is Said.NOT_FOUND:
            return self._signed(_bare(Meaning.NOT_FOUND))
        if self.said is Said.NO_RESULT:
            return self._signed(_bare(Meaning.NO_RESULT))
        return self._telling(out_trade_no, self.said, Meaning.PROCESSED)

    def notice(self, number: str, said: Said, travels: Travels = Travels.PLAINLY) -> Fields:
        """
        What it signs of a number; one that was written anew is no word of JD's any more.
        """
        if travels is Travels.MERGED:
            self._follow(number, said)
        else:
            self._tell(number, Source.NOTIFICATION, said)
        entry, status = self.entry(number), _TOLD.get(said)
        fields = telling(
            number,
            entry.amount_fen,
            status or "",
            trade_no=f"JD-{number}",
            refund_fen=back_fen(said, entry.amount_fen) if said in _RETURNS else None,
        )
        unsaid = {"response_code", *([] if status else ["trade_status"])}
        unsaid |= {"trade_currency"} if said is Said.KNOWN else set()
        return {name: value for name, value in fields.items() if name not in unsaid}

    @property
    def key(self) -> SignKey:
        """
        What it signs with.
        """
        return OURS if self.is_key_ours else ANOTHER

    def may_say(self, number: str, said: Said) -> bool:
        """
        Whether this JD ever says that now. Of what never left us nobody says anything.
        """
        entry = self.entry(number)
        if not entry.sent:
            return False
        if said in {Said.NOTHING, Said.NO_RESULT}:
            return True
        if not self.is_honest:
            return True
        if said is Said.NOT_FOUND:
            return entry.says is None
        if said is Said.SIGN:
            return entry.says is not None
        if said is Said.KNOWN:
            return entry.says is not None and said.FINI in HONEST[entry.says]
        return said in HONEST[entry.says]

    def arrive(self, until: datetime) -> None:
        """
        Book what cannot be under way any longer at that time.
        """
        for number, entry in list(self.entries.items()):
            over = [at for at in entry.wire if at + UNDER_WAY_FOR < until]
            left = tuple(at for at in entry.wire if at not in over)
            self.entries[number] = replace(entry, wire=left)
            for _ in over:
                self._book(number, Said.WPAR)

    def _connect(
        self, request: str, before_connect: Callable[[], None], *, is_refused: bool
    ) -> str:
        """
        Take a request off the wire; return its number.
        """
        before_connect()
        number, _, amount = request.partition("|")
        self.reached = True
        if self.fate is Submit.UNCONNECTED:
            raise NotSent("connect_refused")
        self.connecting(number)
        entry, is_told = self.entry(number), is_refused and self.is_key_ours
        sent = (*entry.sent, (self.now(), is_told))
        self.entries[number] = replace(entry, amount_fen=int(amount), sent=sent)
        return number

    def _signed(self, answer: Answer) -> Answer:
        return answer if self.is_key_ours else replace(answer, verified=False)

    def _book(self, number: str, said: Said) -> None:
        entry = self.entry(number)
        if entry.steps and not self.is_honest:
            return
        steps = entry.steps or ((self.now(), said),)
        self.entries[number] = replace(entry, steps=steps, debits=entry.debits + 1)

    def _tell(self, number: str, source: Source, said: Said) -> None:
        """
        Say it, and let the books follow.
        """
        self._say(number, source, said)
        self._follow(number, said)

    def _follow(self, number: str, said: Said) -> None:
        entry = self.entry(number)
        true = {Said.KNOWN: Said.FINI, Said.SIGN: entry.says or Said.WPAR}.get(said, said)
        if true.is_status and true is not entry.says:
            steps = (*entry.steps, (self.now(), true))
            self.entries[number] = replace(entry, steps=steps, debits=entry.debits or 1)

    def _say(self, number: str, source: Source, said: Said) -> None:
        if not self.is_key_ours:
            return
        entry = self.entry(number)
        word = Word(source, said, self.now())
        self.entries[number] = replace(entry, words=(*entry.words, word))

    def _telling(self, number: str, said: Said, meaning: Meaning) -> Answer:
        amount_fen = self.entry(number).amount_fen
        return Answer(
            verified=self.is_key_ours,
            meaning=meaning,
            code="0000",
            merchant=MERCHANT,
            number=number,
            amount_fen=amount_fen,
            currency=None if said is Said.KNOWN else "CNY",
            trade_status=_TOLD.get(said),
            trade_no=f"JD-{number}",
            refund_fen=back_fen(said, amount_fen) if said in _RETURNS else None,
            raw=f"{number} {said}".encode(),
        )


def _bare(meaning: Meaning) -> Answer:
    return Answer(verified=True, meaning=meaning, code=meaning.value, raw=meaning.value.encode())

"""
JD as it would be asked in court: what it booked, for whom, and what it was sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tests.factories import a_bare, a_trade
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import Order, Terms

#: What becomes of a number at JD; of those that are not here, that it is paid.
FATES = {
    "BACK": TradeStatus.REFU,
    "CLOSED": TradeStatus.CLOS,
    "BUSY": TradeStatus.WPAR,
    "DECIDED": TradeStatus.WPAR,
}
#: Never booked.
REFUSED = frozenset({"REFUSED"})
#: The first request never arrives; booked, and the reply never arrives.
LOST, SILENT = frozenset({"LOST"}), frozenset({"SILENT"})

#: Of this one JD never says that it came to nothing; two people know.
_CAME_TO_NOTHING = frozenset({"DECIDED"})

_NOTHING_KEPT = frozenset({None, TradeStatus.CLOS, TradeStatus.REFU})


def wording(order: Order) -> str:
    """
    What JD is told of an order: who gets how much under which number.
    """
    payee = order.payee
    return f"{order.out_trade_no}|{order.amount_fen}|{payee.account_no}|{payee.account_name}"


@dataclass
class Books:
    """
    Books each number once, whatever it is asked for later, and tells what it has.
    """

    #: By number, the wording that was booked.
    booked: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    fates: dict[str, TradeStatus] = field(default_factory=lambda: dict(FATES))

    def render(self, order: Order, _terms: Terms, _requested_at: datetime) -> str:
        """
        All that decides who gets how much.
        """
        return wording(order)

    def submit(self, request: str, _terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Book it, unless the number was used before.
        """
        before_connect()
        number = request.partition("|")[0]
        is_first = not any(before.startswith(f"{number}|") for before in self.sent)
        self.sent.append(request)
        if number in LOST and is_first:
            raise MaybeSent("timeout")
        if number in REFUSED:
            return a_bare(Meaning.REQUEST)
        meaning = Meaning.DUPLICATE if number in self.booked else Meaning.PROCESSED
        self.booked.setdefault(number, request)
        if number in SILENT:
            raise MaybeSent("timeout")
        return self._told(number, meaning)

    def query(self, out_trade_no: str, _terms: Terms, _asked_at: datetime) -> Answer:
        """
        What became of it.
        """
        if out_trade_no not in self.booked:
            return a_bare(Meaning.NOT_FOUND, code="TRADE_NOT_EXIST")
        return self._told(out_trade_no, Meaning.PROCESSED)

    def status(self, number: str) -> TradeStatus | None:
        """
        How a number stands; None where nothing was booked.
        """
        return self.fates.get(number, TradeStatus.FINI) if number in self.booked else None

    def kept_fen(self, numbers: Iterable[str]) -> int:
        """
        What the payees of these numbers have, or may come to have.
        """
        kept = (n for n in numbers if n not in _CAME_TO_NOTHING)
        return sum(self._fen(n) for n in kept if self.status(n) not in _NOTHING_KEPT)

    def _told(self, number: str, meaning: Meaning) -> Answer:
        status, fen = self.status(number), self._fen(number)
        assert status is not None
        back = fen if status is TradeStatus.REFU else None
        named = {"number": number, "amount_fen": fen, "trade_no": f"JD-{number}"}
        return a_trade(status, meaning=meaning, refund_fen=back, **named)

    def _fen(self, number: str) -> int:
        return int(self.booked[number].split("|")[1])

"""
What a database that went back has forgotten, as one knows who looked on; and what may follow of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.audited import row_of
from worker.payouts.invariants import Breach, Invariant
from worker.payouts.model import Order
from worker.usecases.ports import Ledger

#: So long after its claim a process may connect that cannot know that the claim was forgotten: the
#: second that a claim gives, and what a lease has to spare.
LEAVE = timedelta(seconds=31)


@dataclass
class Forgotten:
    """
    Claims, payouts and debts that were in the database before it went back.
    """

    #: The lease tokens of claims, and the numbers that they were of.
    tokens: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    #: The debts that lost a payout which had been claimed. Until a journal or a notification tells
    #: of it, another payout may pay them: that is a known limit.
    debts: set[str] = field(default_factory=set)
    #: When it last went back.
    at: datetime | None = None
    #: The numbers of which JD has notified us since then.
    heard: set[str] = field(default_factory=set)

    def went_back(
        self, now: datetime, claims: Iterable[tuple[str, str]], debts: Iterable[str]
    ) -> None:
        """
        Take down what was lost: claims by number and token, and debts.
        """
        self.at = now
        self.heard.clear()
        for number, token in claims:
            self.numbers.add(number)
            self.tokens.add(token)
        self.debts.update(debts)

    def gone(
        self, ledger: Ledger, orders: Sequence[Order], repeated: Sequence[Order]
    ) -> list[Order]:
        """
        The jobs of which the database has no trace, and which nobody repeated.
        """
        if self.at is None:
            return []
        rejected = {rejection.out_trade_no for rejection in ledger.rejections(1000)}
        rows = {order.out_trade_no: row_of(ledger, order.out_trade_no) for order in orders}
        taken = {number: ledger.order(row.id) for number, row in rows.items() if row is not None}
        return [
            order
            for order in orders
            if order not in repeated
            and order.out_trade_no not in rejected
            and taken.get(order.out_trade_no) != order
        ]

    def without_trace(
        self, ledger: Ledger, numbers: Iterable[str], *, journals_read: bool
    ) -> Iterator[Breach]:
        """
        Numbers that JD has booked, and that have no payout although the journals were read.

        Without these, an orphan is what there can be of them, if JD has told of them since.
        """
        orphans = {case.out_trade_no for case in ledger.cases(open_only=False, limit=1000)}
        for number in numbers:
            if journals_read or (number in self.heard and number not in orphans):
                detail = "booked, forgotten, and not brought back by what could tell"
                yield Breach(Invariant.I2_NOTHING_LOST, number, detail)

"""
Looking at one's own payouts: the process that does this holds no key.
"""

from collections.abc import Mapping

from worker.jdpay import banks
from worker.payouts.errors import NoSuchPayout
from worker.usecases.own_payouts import OwnPayouts
from worker.views.events import Event
from worker.views.own_payout import Payout
from worker.web.api.models import Bank, Banks, EventFilter, Events, Filter, Payouts
from worker.web.api.operations import BANKS, EVENTS, LIST, SHOW, Answer, Asked, Handler, Operation
from worker.web.api.problems import Code, Error, Refused


class ReadApi:
    """
    What the process that reads can do.
    """

    def __init__(self, own: OwnPayouts) -> None:
        self._own = own

    @property
    def handlers(self) -> Mapping[Operation, Handler]:
        """
        Who answers what.
        """
        return {LIST: self._list, SHOW: self._show, EVENTS: self._events, BANKS: _banks}

    def _show(self, asked: Asked) -> Answer:
        try:
            return Answer(Payout.of(self._own.find(asked.producer, asked.number)))
        except NoSuchPayout:
            raise Refused(Code.NOT_FOUND, "you have no payout of this number") from None

    def _list(self, asked: Asked) -> Answer:
        wanted = asked.query
        assert isinstance(wanted, Filter)
        try:
            page = self._own.page(asked.producer, wanted.wanted, wanted.limit)
        except NoSuchPayout:
            told = Error(detail="leads nowhere: take it from a page of yours", parameter="cursor")
            raise Refused(Code.NOT_FOUND, "there is no such page", [told]) from None
        found = [Payout.of(own) for own in page.payouts]
        return Answer(
            Payouts(payouts=found, next_cursor=found[-1].out_trade_no if page.has_more else None)
        )

    def _events(self, asked: Asked) -> Answer:
        wanted = asked.query
        assert isinstance(wanted, EventFilter)
        found = self._own.events(asked.producer, wanted.after, wanted.number, wanted.limit)
        last = next((event.position for event in reversed(found)), None) or wanted.after
        return Answer(Events(events=[Event.of(event) for event in found], next_after=last))


def _banks(_asked: Asked) -> Answer:
    listed = sorted(banks.banks().values(), key=lambda bank: bank.code)
    return Answer(Banks(banks=[Bank(code=b.code, name=b.name, note=b.note) for b in listed]))

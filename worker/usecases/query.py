"""
JD is asked what became of a payout.
"""

import logging

from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Source
from worker.usecases.evidence import EvidenceHandler, about
from worker.usecases.ports import Gateway, PayoutReads

log = logging.getLogger("jdpay_payouts.query")


class Querier:
    """
    Asks about the payouts of the handler's merchant.
    """

    def __init__(self, handler: EvidenceHandler, ledger: PayoutReads, gateway: Gateway) -> None:
        self._handler = handler
        self._ledger = ledger
        self._gateway = gateway

    def follow_up(self, payout_id: int) -> None:
        """
        Ask the question that a sweep claimed, unless it was answered meanwhile.

        Wake-ups pile up while workers are away: without this look a backlog would ask about the
        same payout again and again, and so make more backlog.
        """
        if self._ledger.dossier(payout_id).payout.query_misses:
            self.query(payout_id)

    def query(self, payout_id: int) -> bool:
        """
        Ask now, and store the answer; return whether one came.
        """
        payout = self._ledger.dossier(payout_id).payout
        if not self._handler.is_ours(payout):
            return False
        asked_at = self._ledger.now()
        try:
            answer = self._gateway.query(payout.out_trade_no, payout.terms, asked_at)
        except (NotSent, MaybeSent) as error:
            log.info("no answer to a query", extra=about(payout, error.detail))
            answered = False
        else:
            self._handler.record(payout, Source.QUERY, answer, asked_at=asked_at)
            answered = True
        self._handler.apply(payout_id)
        return answered

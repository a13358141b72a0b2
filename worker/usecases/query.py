"""
JD is asked what became of a payout.
"""

import logging

from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Source
from worker.payouts.model import Question
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
        question = self._ledger.question(payout_id)
        if question.payout.query_misses:
            self._ask(question)

    def query(self, payout_id: int) -> bool:
        """
        Ask now, and store the answer; return whether one came.
        """
        return self._ask(self._ledger.question(payout_id))

    def _ask(self, question: Question) -> bool:
        payout = question.payout
        if not self._handler.is_ours(payout):
            return False
        try:
            answer = self._gateway.query(payout.out_trade_no, payout.terms, question.at)
        except (NotSent, MaybeSent) as error:
            log.info("no answer to a query", extra=about(payout, error.detail))
            self._handler.apply(payout.id)
            return False
        self._handler.record(payout, Source.QUERY, answer, asked_at=question.at)
        return True

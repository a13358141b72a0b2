"""
JD is asked what became of payouts.
"""

import functools
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from worker.payouts.claim import Asker
from worker.payouts.errors import MaybeSent, NoSuchPayout, NotSent, StoreUnavailable
from worker.payouts.evidence import Source
from worker.payouts.news import News, Told
from worker.payouts.question import Question
from worker.usecases.evidence import EvidenceHandler, about
from worker.usecases.ports import DueWork, Gateway, PayoutReads
from worker.usecases.ports.dispatcher import GATHER_S
from worker.usecases.taken import Taken

log = logging.getLogger("jdpay_payouts.query")

#: Whoever waits for the next question looks at least so often, in seconds, whether another one
#: became due meanwhile.
_LOOK_S = 0.5


class QueryLedger(PayoutReads, DueWork, Protocol):
    """
    What asking takes of the ledger.
    """


class Querier:
    """
    Asks about the payouts of the handler's merchant.

    It waits for questions that fall due within `ahead`, so that they are asked on time.
    """

    def __init__(
        self,
        handler: EvidenceHandler,
        ledger: QueryLedger,
        gateway: Gateway,
        ahead: timedelta = timedelta(0),
    ) -> None:
        self._handler = handler
        self._ledger = ledger
        self._gateway = gateway
        self._ahead = ahead
        limits = handler.limits
        self._asker = Asker(handler.customer_no, limits.query_pace, limits.schedule.retry)

    def take(self, most: int) -> Taken:
        """
        Claim up to so many due questions in one commit; return what asks each of them.
        """
        due = self._ledger.claim_due_queries(most, self._asker)
        works = tuple(functools.partial(self._ask, q) for q in self._questions(due.payout_ids))
        if due.held_back is not None:
            return Taken(works, due.held_back.total_seconds())
        if not due.payout_ids:
            return Taken(more_after=self._until_next())
        return Taken(works, 0.0 if len(due.payout_ids) == most else None)

    def _until_next(self) -> float | None:
        """
        How many seconds to wait for the next question; None if it is not worth waiting for.
        """
        due_in = self._ledger.until_next_query(self._handler.customer_no)
        if due_in is None or due_in > self._ahead:
            return None
        return min(max(due_in.total_seconds(), GATHER_S), _LOOK_S)

    def query(self, payout_id: int) -> bool:
        """
        Ask now, and store the answer; return whether one came. Raises `NoSuchPayout`.
        """
        for question in self._ledger.questions([payout_id]):
            return self._ask(question)
        raise NoSuchPayout(f"there is no payout {payout_id}")

    def _questions(self, payout_ids: Sequence[int]) -> Sequence[Question]:
        """
        Read them together; where one cannot be read, each alone, so that it hurts itself alone.
        """
        if not payout_ids:
            return []
        try:
            return self._ledger.questions(payout_ids)
        except StoreUnavailable:
            raise
        except Exception:  # the border: one row's fault must not keep the others from being asked
            if len(payout_ids) > 1:
                return [q for payout_id in payout_ids for q in self._questions([payout_id])]
            number = self._ledger.number_of(payout_ids[0])
            log.exception(
                "not asked about, by a fault of ours",
                extra={"payout_id": payout_ids[0], "out_trade_no": number},
            )
            return []

    def _ask(self, question: Question) -> bool:
        payout = question.payout
        if not self._handler.is_ours(payout):
            return False
        try:
            answer = self._gateway.query(payout.out_trade_no, payout.terms, question.at)
        except (NotSent, MaybeSent) as error:
            log.info("no answer to a query", extra=about(payout, error.detail))
            self._ledger.note_unanswered(payout.id, question.at)
            self._handler.apply(payout.id)
            return False
        if not answer.verified:
            self._ledger.note_unanswered(payout.id, question.at)
        told = Told(Source.QUERY, answer, asked_at=question.at)
        self._handler.keep(about(payout, "evidence"), News(payout.id, told=told))
        return True

"""
A payout goes out: claimed and committed before any socket opens, and closed whatever happens.
"""

import logging

from worker.payouts.errors import LeaseLost, MaybeSent, NotSent
from worker.payouts.evidence import Answer
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, AttemptOutcome, Payout
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.may_send import may_send
from worker.usecases.evidence import EvidenceHandler, about
from worker.usecases.ports import Gateway, LeaseLedger

log = logging.getLogger("jdpay_payouts.send")


class Sender:
    """
    Sends the payouts of the handler's merchant.
    """

    def __init__(self, handler: EvidenceHandler, ledger: LeaseLedger, gateway: Gateway) -> None:
        self._handler = handler
        self._ledger = ledger
        self._gateway = gateway
        self._limits = handler.limits

    def send(self, payout_id: int) -> None:
        """
        Send one payout, if it may be sent now.
        """
        draft = self._ledger.draft(payout_id)
        if any(evidence.applied_at is None for evidence in draft.dossier.evidence):
            # The process that stored it is gone. It may open a case, which would forbid sending.
            self._handler.apply(payout_id)
            draft = self._ledger.draft(payout_id)
        payout = draft.dossier.payout
        ours = self._handler.is_ours(payout)
        if not ours or not may_send(gather_facts(draft.dossier), draft.at, self._limits):
            return
        request = draft.request
        if request is None:
            request = self._gateway.render(draft.order, payout.terms, draft.at)
        attempt = self._ledger.claim(payout, request, self._limits.lease, self._handler.actor)
        if attempt is not None:
            self._transmit(payout, attempt, request)

    def _transmit(self, payout: Payout, attempt: Attempt, request: str) -> None:
        def own_the_lease() -> None:
            if not self._ledger.renew(attempt, self._limits.lease):
                raise LeaseLost

        try:
            answer = self._gateway.submit(request, payout.terms, own_the_lease)
        except NotSent as error:
            self._close(payout, attempt, AttemptOutcome.NOT_CONNECTED, error.detail)
        except LeaseLost:
            # Raised before a connection, and every earlier try of this attempt was not sent.
            self._close(payout, attempt, AttemptOutcome.NOT_CONNECTED, "lease_lost")
        except MaybeSent as error:
            self._close(payout, attempt, AttemptOutcome.NO_ANSWER, error.detail)
        else:
            self._close(payout, attempt, AttemptOutcome.ANSWERED, answer.code, answer)

    def _close(
        self,
        payout: Payout,
        attempt: Attempt,
        outcome: AttemptOutcome,
        detail: str,
        answer: Answer | None = None,
    ) -> None:
        def store(judge: Judge | None) -> Judged | None:
            return self._ledger.close_attempt(attempt, outcome, detail, answer, judge)

        self._handler.keep(payout, store)
        log.info("attempt closed", extra={**about(payout, detail), "outcome": outcome})

"""
A payout goes out: claimed and committed before any socket opens, and closed whatever happens.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from worker.payouts.claim import Claim, Claimant, Draft
from worker.payouts.errors import EvidenceWaits, LeaseLost, MaybeSent, NotSent
from worker.payouts.evidence import Answer
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import AttemptOutcome
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.may_send import may_send
from worker.usecases.evidence import EvidenceHandler, about
from worker.usecases.ports import Gateway, LeaseLedger

log = logging.getLogger("jdpay_payouts.send")

#: So long after it was asked for, in seconds, a claim is itself the leave to connect: its commit
#: has just asked all that a renewal would ask. Its lease lasts so much longer than a renewed one.
LEAVE_S = 1.0


class Sender:
    """
    Sends the payouts of the handler's merchant.

    `steady` counts seconds that nobody sets, and that pass while the machine sleeps.
    """

    def __init__(
        self,
        handler: EvidenceHandler,
        ledger: LeaseLedger,
        gateway: Gateway,
        steady: Callable[[], float],
    ) -> None:
        self._handler = handler
        self._ledger = ledger
        self._gateway = gateway
        self._limits = handler.limits
        self._steady = steady
        lease = handler.limits.lease + timedelta(seconds=LEAVE_S)
        self._claimant = Claimant(self._decide, lease, handler.actor)

    def send(self, payout_id: int) -> None:
        """
        Send one payout, if it may be sent now.
        """
        asked_at = self._steady()
        try:
            claim = self._ledger.claim(payout_id, self._claimant)
        except EvidenceWaits:
            # The process that stored it is gone. It may open a case, which would forbid sending.
            self._handler.apply(payout_id)
            asked_at = self._steady()
            claim = self._ledger.claim(payout_id, self._claimant)
        if claim is not None:
            self._transmit(claim, asked_at + LEAVE_S)

    def _decide(self, draft: Draft) -> str | None:
        payout = draft.dossier.payout
        if not self._handler.is_ours(payout):
            return None
        if any(evidence.applied_at is None for evidence in draft.dossier.evidence):
            raise EvidenceWaits
        if not may_send(gather_facts(draft.dossier), draft.at, self._limits):
            return None
        if draft.request is not None:
            return draft.request
        return self._gateway.render(draft.order, payout.terms, draft.at)

    def _transmit(self, claim: Claim, leave_until: float) -> None:
        connected = False

        def own_the_lease() -> None:
            nonlocal connected
            has_leave = not connected and self._steady() <= leave_until
            connected = True
            if not has_leave and not self._ledger.renew(claim.attempt, self._limits.lease):
                raise LeaseLost

        try:
            answer = self._gateway.submit(claim.request, claim.payout.terms, own_the_lease)
        except NotSent as error:
            self._close(claim, AttemptOutcome.NOT_CONNECTED, error.detail)
        except LeaseLost:
            # Raised before a connection, and every earlier try of this attempt was not sent.
            self._close(claim, AttemptOutcome.NOT_CONNECTED, "lease_lost")
        except MaybeSent as error:
            self._close(claim, AttemptOutcome.NO_ANSWER, error.detail)
        else:
            self._close(claim, AttemptOutcome.ANSWERED, answer.code, answer)

    def _close(
        self,
        claim: Claim,
        outcome: AttemptOutcome,
        detail: str,
        answer: Answer | None = None,
    ) -> None:
        def store(judge: Judge | None) -> Judged | None:
            return self._ledger.close_attempt(claim.attempt, outcome, detail, answer, judge)

        told = about(claim.payout, detail)
        self._handler.keep(told, store)
        log.info("attempt closed", extra={**told, "outcome": outcome})

"""
The use cases: what a task, the receiver or a command may ask of a payout.

Each one decides with pure functions and writes through the ledger, one guarded transaction a step,
so that any of them may be repeated, run twice at once or be cut off anywhere.
"""

import logging
from dataclasses import dataclass

from worker.payouts.acceptance import Acceptance, Accepted, Conflict, Same, differing
from worker.payouts.errors import LeaseLost, MaybeSent, NotSent
from worker.payouts.evidence import Source
from worker.payouts.model import Attempt, AttemptOutcome, Order, Payout, Rejection, Terms
from worker.payouts.policy.facts import read
from worker.payouts.policy.may_send import may_send
from worker.usecases.evidence import Clerk, about
from worker.usecases.ports import Dispatcher, Gateway

log = logging.getLogger("jdpay_payouts.service")


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What one sweep found to do.
    """

    settled: int
    sends: int
    queries: int


class Payouts:
    """
    The payouts of one merchant.
    """

    def __init__(
        self,
        clerk: Clerk,
        gateway: Gateway,
        dispatcher: Dispatcher,
        terms: Terms,
    ) -> None:
        self.ledger = clerk.ledger
        self.rules = clerk.rules
        self.terms = terms
        self._clerk = clerk
        self._gateway = gateway
        self._dispatcher = dispatcher

    def accept(self, order: Order) -> Acceptance:
        """
        Make a producer's job a payout: durable, queued, and once only for its number.

        The same number with the same content is the same payout. What stands in the way of a job
        comes back as a `Conflict`, and nothing is stored of it. A worker is woken at once; should
        that get lost, the sweep wakes one later.
        """
        expired = order.send_before is not None and order.send_before <= self.ledger.now()
        later = self.rules.wake_again
        payout_id = None if expired else self.ledger.accept(order, self.terms, later)
        if payout_id is not None:
            log.info("payout accepted", extra={"action": "accepted", "payout_id": payout_id})
            self._dispatcher.submit(payout_id)
            return Accepted(payout_id)
        return self._already(order)

    def reject(self, rejection: Rejection) -> None:
        """
        Keep the trace of an entry message that was not accepted.
        """
        self.ledger.reject(rejection)
        log.warning("job rejected", extra={"action": "rejected", "reason": rejection.reason})

    def submit(self, payout_id: int) -> None:
        """
        Send one payout, if it may be sent now: claimed and committed before any socket opens.
        """
        dossier = self.ledger.dossier(payout_id)
        if any(evidence.applied_at is None for evidence in dossier.evidence):
            # Whoever stored it is gone: it may open a case, and that would forbid the sending.
            self._clerk.settle(payout_id)
            dossier = self.ledger.dossier(payout_id)
        payout = dossier.payout
        now = self.ledger.now()
        if not self._is_ours(payout) or not may_send(read(dossier), now, self.rules):
            return
        request = self.ledger.request(payout_id)
        if request is None:
            request = self._gateway.render(self.ledger.order(payout_id), payout.terms, now)
        attempt = self.ledger.claim(payout, request, self.rules.lease, self._clerk.actor)
        if attempt is not None:
            self._transmit(payout, attempt, request)
            self._clerk.settle(payout_id)

    def follow_up(self, payout_id: int) -> None:
        """
        Ask JD the question that a sweep claimed, unless it was answered meanwhile.

        Wake-ups pile up while workers are away: without this look a backlog would ask about the
        same payout again and again, and so make more backlog.
        """
        if self.ledger.dossier(payout_id).payout.query_misses:
            self.query(payout_id)

    def query(self, payout_id: int) -> None:
        """
        Ask JD what became of one payout, and store the answer.
        """
        payout = self.ledger.dossier(payout_id).payout
        if not self._is_ours(payout):
            return
        asked_at = self.ledger.now()
        try:
            answer = self._gateway.query(payout.out_trade_no, payout.terms, asked_at)
        except (NotSent, MaybeSent) as error:
            log.info("no answer to a query", extra=about(payout, error.detail))
        else:
            self.ledger.record(payout, Source.QUERY, answer, asked_at=asked_at)
        self._clerk.settle(payout_id)

    def sweep(self, limit: int = 100) -> Swept:
        """
        Find what nobody woke a worker for: the one thing that beat has to call.

        Ends expired leases, weighs evidence left waiting, and wakes the tasks for due payouts and
        due questions, at most `limit` of each and what the queues have room for. The others stay
        due: wake-ups that nobody takes must not pile up, or workers would do little but read them.
        """
        settled = {*self.ledger.expired(limit), *self.ledger.unapplied(limit)}
        self._clerk.settle_all(settled)
        room = self._dispatcher.room()
        sends = self.ledger.due_sends(min(limit, room.sends), self.rules.wake_again)
        for payout_id in sends:
            self._dispatcher.submit(payout_id)
        queries = self.ledger.due_queries(min(limit, room.queries), self.rules.schedule.retry)
        for payout_id in queries:
            self._dispatcher.query(payout_id)
        return Swept(len(settled), len(sends), len(queries))

    def _already(self, order: Order) -> Acceptance:
        payout = self.ledger.find(self.terms.customer_no, order.out_trade_no)
        if payout is not None:
            names = differing(self.ledger.order(payout.id), order)
            if not names:
                return Same(payout.id)
            return Conflict(
                "number_reused",
                tuple(f"{n}: differs from the payout that has this number" for n in names),
            )
        if order.send_before is not None and order.send_before <= self.ledger.now():
            return Conflict("expired", ("send_before: this moment has passed",))
        holder = self.ledger.paying(self.terms.customer_no, order.obligation)
        number = holder.out_trade_no if holder else "another payout"
        return Conflict("obligation_taken", (f"obligation: {number} pays it already",))

    def _is_ours(self, payout: Payout) -> bool:
        """
        Whether this process holds the keys of the member that pays; others' it must not touch.
        """
        ours = payout.terms.customer_no == self.terms.customer_no
        if not ours:
            log.error("a payout of another member: no keys for it", extra=about(payout, "member"))
        return ours

    def _transmit(self, payout: Payout, attempt: Attempt, request: str) -> None:
        def own_the_lease() -> None:
            if not self.ledger.renew(attempt, self.rules.lease):
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
            # Evidence first: an attempt that is closed as answered has its answer stored.
            self.ledger.record(
                payout, Source.REPLY, answer, attempt=attempt, asked_at=attempt.started_at
            )
            self._close(payout, attempt, AttemptOutcome.ANSWERED, answer.code)

    def _close(
        self, payout: Payout, attempt: Attempt, outcome: AttemptOutcome, detail: str
    ) -> None:
        self.ledger.close_attempt(attempt, outcome, detail)
        log.info("attempt closed", extra={**about(payout, detail), "outcome": outcome})

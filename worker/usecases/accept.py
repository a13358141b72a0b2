"""
A job becomes a payout: durable, queued or held for review, and once only for its number.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Protocol

from worker.payouts.acceptance import (
    Acceptance,
    Accepted,
    Conflict,
    Entry,
    Same,
    Withdrawn,
    differing,
)
from worker.payouts.errors import InvalidJob, NoSuchPayout, NotAllowed
from worker.payouts.model import Order, Rejection, Terms
from worker.payouts.policy.controls import ReviewList, needs_review
from worker.payouts.policy.provenance import refusal, unsealed
from worker.payouts.sealed_job import Cancellation, Opened, Proof, Purpose
from worker.usecases.group_commit import Together, one_by_one
from worker.usecases.own_payouts import Withdrawal, WithdrawalLedger
from worker.usecases.ports import AcceptanceLedger, Dispatcher, JobKeyReads, Opener

log = logging.getLogger("jdpay_payouts.accept")


class EntryLedger(AcceptanceLedger, WithdrawalLedger, JobKeyReads, Protocol):
    """
    What taking jobs takes of the ledger.
    """


class Acceptor:
    """
    Takes the jobs of one merchant. It needs no gateway and no key that signs for JD.

    `together` makes, of what accepts several jobs in one commit, what accepts one of them. What
    pays as much to the same payee as another did, so short a while before, is held; by 0 nothing.
    """

    def __init__(
        self,
        ledger: EntryLedger,
        dispatcher: Dispatcher,
        terms: Terms,
        review_list: ReviewList,
        opener: Opener,
        together: Together = one_by_one,
        *,
        duplicates_within: timedelta = timedelta(0),
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._terms = terms
        self._review_list = review_list
        self._opener = opener
        self._withdrawal = Withdrawal(ledger, terms.customer_no)
        self._duplicates_within = duplicates_within
        self._commit = together(self._accept)

    def accept(self, order: Order) -> Acceptance:
        """
        Make a job that nobody sealed a payout: in the sandbox alone.

        The same number with the same content is the same payout. What prevents a job comes back as
        a `Conflict`, and nothing is stored of it. A worker is woken at once; should that get lost,
        the sweep wakes one later. What goes to a payee on the review list wakes nobody: it is held.
        """
        return unsealed(self._terms) or self._take(order)

    def open(self, sealed: str) -> Opened:
        """
        Open a sealed job, by the keys that are registered now. Raises `UnusableSeal`.
        """
        return self._opener.open(sealed, self._ledger.job_key)

    def accept_sealed(
        self, opened: Opened, purpose: Purpose | None = None, number: str | None = None
    ) -> Acceptance:
        """
        Do what a producer has sealed: make a payout, as `accept` does, or withdraw one.

        Raises `InvalidJob`, also if it is for something else than the purpose and the number that
        whoever brought it expects. A job that is a payout already is the same payout, whatever has
        become of its key, and of its time.
        """
        claims = self._opener.read(opened)
        if purpose not in {None, claims.purpose}:
            raise InvalidJob((f"purpose: is not {purpose}, which is done here",))
        if number not in {None, claims.wanted.out_trade_no}:
            raise InvalidJob(("out_trade_no: is another one than the address names",))
        refused = refusal(opened.proof.key, claims, self._terms, self._ledger.now())
        match claims.wanted:
            case Cancellation():
                return refused or self._withdraw(opened.producer, claims.wanted)
            case Order():
                if refused is None:
                    return self._take(claims.wanted, opened.proof)
                known = self._already(claims.wanted)
                return known if isinstance(known, Same) else refused

    def withdraw(self, producer: str, out_trade_no: str, why: str) -> Withdrawn | Conflict:
        """
        Withdraw a producer's payout, as nobody sealed it: in the sandbox alone.
        """
        return unsealed(self._terms) or self._withdraw(producer, Cancellation(out_trade_no, why))

    def _withdraw(self, producer: str, wanted: Cancellation) -> Withdrawn | Conflict:
        try:
            done = self._withdrawal.cancel(producer, wanted.out_trade_no, wanted.why)
        except NoSuchPayout:
            return Conflict("not_found", ("you have no payout of this number",))
        except NotAllowed as fault:
            return Conflict("not_allowed", (str(fault),))
        return Withdrawn(done.dossier.payout.id)

    def _take(self, order: Order, proof: Proof | None = None) -> Acceptance:
        expired = order.send_before is not None and order.send_before <= self._ledger.now()
        for_review = needs_review(order, self._review_list)
        payout_id = None
        if not expired:
            payout_id = self._commit(Entry(order, for_review, proof, self._duplicates_within))
        if payout_id is not None:
            log.info(
                "payout accepted, and held for review" if for_review else "payout accepted",
                extra={
                    "action": "accepted",
                    "payout_id": payout_id,
                    "out_trade_no": order.out_trade_no,
                },
            )
            if not for_review:
                self._dispatcher.wake_sender()
            return Accepted(payout_id)
        return self._already(order)

    def reject(self, rejection: Rejection) -> None:
        """
        Keep the trace of an entry message that was not accepted.
        """
        self._ledger.reject(rejection)
        log.warning(
            "job rejected",
            extra={
                "action": "rejected",
                "reason": rejection.reason,
                "out_trade_no": rejection.out_trade_no,
            },
        )

    def _accept(self, entries: Sequence[Entry]) -> Sequence[int | None]:
        return self._ledger.accept(entries, self._terms)

    def _already(self, order: Order) -> Acceptance:
        payout = self._ledger.find(self._terms.customer_no, order.out_trade_no)
        if payout is not None:
            if payout.producer != order.producer:
                # Whose it is, and what it pays to whom, is nothing to tell.
                return Conflict("number_in_use", ("out_trade_no: is taken: use another number",))
            names = differing(self._ledger.order(payout.id), order)
            if not names:
                return Same(payout.id)
            return Conflict(
                "number_reused",
                tuple(f"{n}: differs from the payout that has this number" for n in names),
            )
        if order.send_before is not None and order.send_before <= self._ledger.now():
            return Conflict("expired", ("send_before: this moment has passed",))
        return Conflict("obligation_taken", tuple(self._shortage(order)))

    def _shortage(self, order: Order) -> Iterator[str]:
        """
        Why an obligation has no room for an order.
        """
        obligation = self._ledger.obligation(order.obligation)
        if obligation is None:
            return
        if self._ledger.producers_of(order.obligation) != {order.producer}:
            yield "obligation: it is owed otherwise, or less of it is left than this pays"
            return
        if order.owed_fen not in {None, obligation.owed_fen}:
            yield f"owed_fen: {obligation.owed_fen} fen are owed, as its first job said"
        holders = ", ".join(p.out_trade_no for p in self._ledger.holders_of(order.obligation))
        yield (
            f"obligation: {holders or 'a payout that its payee may have kept'} pays it already,"
            f" {obligation.committed_fen} of {obligation.owed_fen} fen"
        )

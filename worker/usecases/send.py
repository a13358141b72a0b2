"""
Payouts go out: claimed and committed before any socket opens, and closed whatever happens.
"""

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, Protocol

from worker.payouts.claim import Claim, Claimant, Claims, Draft
from worker.payouts.errors import (
    BrokenSeal,
    EvidenceWaits,
    InvalidJob,
    LeaseLost,
    MaybeSent,
    NotSent,
    SealError,
    StoreUnavailable,
    UnusableSeal,
    WrongKey,
)
from worker.payouts.evidence import Answer
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.news import Ending, of_reply
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.may_send import may_send
from worker.payouts.policy.provenance import is_proven, unsealed
from worker.payouts.update import CaseNote
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler, about
from worker.usecases.ports import DueWork, Gateway, Journal, LeaseLedger, Opener
from worker.usecases.taken import Taken, Work

log = logging.getLogger("jdpay_payouts.send")

#: So long after it was asked for, in seconds, a claim is itself the leave to connect: its commit
#: has just asked all that a renewal would ask. Its lease lasts so much longer than a renewed one.
LEAVE_S = 1.0


class SendLedger(LeaseLedger, DueWork, Protocol):
    """
    What sending takes of the ledger.
    """


class _Asked(NamedTuple):
    """
    When a claim was asked for, in steady seconds, and the epoch that was known then.
    """

    at: float
    epoch: str


class Sender:
    """
    Sends the payouts of the handler's merchant.

    `steady` counts seconds that nobody sets, and that pass while the machine sleeps.
    """

    def __init__(
        self,
        handler: EvidenceHandler,
        ledger: SendLedger,
        gateway: Gateway,
        epochs: Epochs,
        journal: Journal,
        *,
        steady: Callable[[], float],
        opener: Opener,
    ) -> None:
        self._handler = handler
        self._ledger = ledger
        self._gateway = gateway
        self._epochs = epochs
        self._journal = journal
        self._limits = limits = handler.limits
        self._steady = steady
        self._opener = opener
        self._claimant = Claimant(
            self._decide,
            limits.lease + timedelta(seconds=LEAVE_S),
            handler.actor,
            handler.customer_no,
            limits.send_pace,
            limits.look_again,
        )

    def take(self, most: int) -> Taken:
        """
        Claim up to so many due payouts in one commit; return what sends each of them.

        Where that cannot be, each alone, so that one that cannot be read or decided hurts itself
        alone. Raises `StoreUnavailable`.
        """
        asked = self._asked()
        try:
            claims = self._ledger.claim_due_sends(most, self._claimant)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 (the border: one row's fault is its own)
            return self._each_alone(most)
        taken = self._works(claims, asked)
        if taken.more_after is None and claims.looked_at == most:
            return replace(taken, more_after=0.0)
        return taken

    def _each_alone(self, most: int) -> Taken:
        found = self._ledger.find_due_sends(self._handler.customer_no, most)
        taken = _joined([*self._claimed(found)])
        # Those that could not be claimed are not due any more: others may wait behind them.
        return replace(taken, more_after=0.0) if len(found) == most else taken

    def _claimed(self, payout_ids: Sequence[int]) -> Iterator[Taken]:
        for payout_id in payout_ids:
            try:
                yield self.claim(payout_id)
            except StoreUnavailable:
                return  # what was claimed before that is sent all the same

    def claim(self, payout_id: int) -> Taken:
        """
        Claim one payout, if it may be sent now; return what sends it. Raises `StoreUnavailable`.
        """
        asked = self._asked()
        try:
            claims = self._ledger.claim([payout_id], self._claimant)
        except StoreUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 (the border: one row's fault is its own)
            return self._pass_over(payout_id, fault)
        return self._works(claims, asked)

    def _pass_over(self, payout_id: int, fault: Exception) -> Taken:
        """
        Go on without a payout that could not be claimed, once its evidence was judged.
        """
        if isinstance(fault, EvidenceWaits):
            # The process that stored it is gone. It may open a case, which would forbid sending.
            self._handler.apply_all([payout_id])
            asked = self._asked()
            try:
                return self._works(self._ledger.claim([payout_id], self._claimant), asked)
            except EvidenceWaits:
                pass  # it could not be judged, which the handler has logged
        else:
            number = self._ledger.number_of(payout_id)
            if isinstance(fault, SealError):
                is_lost = isinstance(fault, WrongKey)
                kind = CaseKind.UNREADABLE if is_lost else CaseKind.TAMPERED
                self._ledger.open_case(payout_id, CaseNote(kind, reopens=True))
            log.error(
                "not sent, by a fault of ours",
                exc_info=fault,
                extra={"payout_id": payout_id, "out_trade_no": number},
            )
        self._ledger.put_off(payout_id, self._limits.look_again)
        return Taken()

    def _asked(self) -> _Asked:
        return _Asked(self._steady(), self._epochs.current())

    def _works(self, claims: Claims, asked: _Asked) -> Taken:
        works: tuple[Work, ...] = ()
        if claims.claims and self._is_confirmed(claims.claims, asked.epoch):
            works = tuple(
                functools.partial(self._transmit, claim, asked.at + LEAVE_S)
                for claim in claims.claims
            )
        return Taken(works, None if (rest := claims.held_back) is None else rest.total_seconds())

    def _is_confirmed(self, claims: Sequence[Claim], epoch: str) -> bool:
        """
        Whether claims may be sent; otherwise they are given back, and nothing of them went out.
        """
        try:
            self._epochs.confirm(epoch, claims)
            self._journal.record(epoch, claims)
        except NotSent as fault:
            for claim in claims:
                self._close(claim, AttemptOutcome.NOT_CONNECTED, fault.detail)
            return False
        return True

    def _decide(self, draft: Draft) -> str | None:
        payout = draft.dossier.payout
        if not self._handler.is_ours(payout):
            return None
        if not all(evidence.is_intact for evidence in draft.dossier.evidence):
            raise BrokenSeal
        if not self._is_as_sealed(draft):
            raise BrokenSeal
        if any(evidence.applied_at is None for evidence in draft.dossier.evidence):
            raise EvidenceWaits
        if not may_send(gather_facts(draft.dossier), draft.at, self._limits):
            return None
        if draft.request is not None:
            return draft.request
        return self._gateway.render(draft.order, payout.terms, draft.at)

    def _is_as_sealed(self, draft: Draft) -> bool:
        """
        Whether the row still says what its producer sealed, or may do without: with play money.
        """
        terms = draft.dossier.payout.terms
        if draft.proof is None:
            return unsealed(terms) is None
        try:
            claims = self._opener.read(self._opener.reopen(draft.proof))
        except (InvalidJob, UnusableSeal):
            return False
        return is_proven(claims, draft.order, terms)

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
        self, claim: Claim, outcome: AttemptOutcome, detail: str, answer: Answer | None = None
    ) -> None:
        told = about(claim.payout, detail)
        self._handler.keep(told, of_reply(Ending(claim.attempt, outcome, detail), answer))
        log.info("attempt closed", extra={**told, "outcome": outcome})


def _joined(parts: Sequence[Taken]) -> Taken:
    waits = [part.more_after for part in parts if part.more_after is not None]
    works: tuple[Work, ...] = tuple(work for part in parts for work in part.works)
    return Taken(works, max(waits, default=None))

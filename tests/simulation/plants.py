"""
Bugs to be planted into the running process, so that a run which finds nothing is worth something.

Each one takes away a guard that money depends on, as a careless change might.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from tests.doubles.ledger import MemoryLedger
from worker.payouts.claim import Claimant, Draft
from worker.payouts.errors import IllegalMove
from worker.payouts.evidence import REFUSALS, Evidence, Meaning
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, AttemptOutcome, Payout
from worker.payouts.policy import classification, facts, may_send, state
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases import accept, send
from worker.usecases.send import Sender

#: Where something is, its name there, and what takes its place.
Change = tuple[Any, str, Any]


def timeout_means_failed() -> list[Change]:
    """
    An attempt without an answer is taken for a failure.
    """
    verdict = (PayoutStatus.FAILED, Reason.NO_ANSWER, None)
    return [(state, "_unknown", lambda _facts: verdict)]


def unlisted_code_means_failed() -> list[Change]:
    """
    The last row of the outcome table refuses, where it should not know.
    """
    row = {Meaning.UNCLEAR: (PayoutStatus.FAILED, Reason.PAYEE_REFUSED)}
    return [
        (classification, "REFUSALS", REFUSALS | {Meaning.UNCLEAR}),
        (state, "_REFUSED", state._REFUSED | row),
    ]


def resend_after_one_denial() -> list[Change]:
    """
    One not-found answer is enough to send a number again.
    """
    return [(may_send, "proven_absent", lambda facts, _limits: next(iter(facts.absences), None))]


def unsigned_is_believed() -> list[Change]:
    """
    Nobody looks at the signature.
    """
    classify = classification.classify

    def trusting(payout: Payout, evidence: Evidence, since: Any) -> Any:
        signed = replace(evidence, answer=replace(evidence.answer, verified=True))
        return classify(payout, signed, since)

    return [(facts, "classify", trusting)]


def amount_is_not_compared() -> list[Change]:
    """
    A signed message about another amount counts.
    """
    classify = classification.classify

    def generous(payout: Payout, evidence: Evidence, since: Any) -> Any:
        same = replace(evidence.answer, amount_fen=payout.amount_fen)
        return classify(payout, replace(evidence, answer=same), since)

    return [(facts, "classify", generous)]


def decides_before_it_locks() -> list[Change]:
    """
    A claim goes by what was known before it had the lock, so it misses what came in between.
    """

    def careless(self: Sender, payout_id: int) -> None:
        dossier, order = self._ledger.dossier(payout_id), self._ledger.order(payout_id)
        asked_at = self._steady()
        text = self._decide(Draft(dossier, order, None, self._ledger.now()))
        if text is not None:
            again = Claimant(lambda draft: draft.request or text, self._limits.lease, "worker")
            claim = None
            with contextlib.suppress(IllegalMove):  # a guard of its own, which stays
                claim = self._ledger.claim(payout_id, again)
            if claim is not None:
                self._transmit(claim, asked_at + send.LEAVE_S)

    return [(Sender, "send", careless)]


def judges_what_was_known_before() -> list[Change]:
    """
    A decision is made from what was known before the newest evidence, and marks it applied.
    """
    dossier = MemoryLedger.dossier

    def careless(self: MemoryLedger, payout_id: int, judge: Judge) -> Judged:
        known = dossier(self, payout_id)
        earlier = replace(known, evidence=tuple(e for e in known.evidence if e.applied_at))
        update = judge.decide(earlier, self.now())
        self._write_update(known, update, judge)
        return Judged(known, update)

    return [(MemoryLedger, "judge", careless)]


def lease_fences_evidence() -> list[Change]:
    """
    The reply to an attempt whose lease is over is thrown away.
    """
    close = MemoryLedger.close_attempt

    def fenced(self: MemoryLedger, attempt: Attempt, *how: Any) -> Any:
        row = self.dossier(attempt.payout_id).payout
        outcome, detail, answer, judge = how
        late = row.lease_token != attempt.lease_token
        return close(self, attempt, outcome, detail, None if late else answer, judge)

    return [(MemoryLedger, "close_attempt", fenced)]


def send_before_commit() -> list[Change]:
    """
    The request goes out first, and is recorded once the answer is there.
    """
    later = Sender.send

    def eager(self: Sender, payout_id: int) -> None:
        dossier = self._ledger.dossier(payout_id)
        if may_send.may_send(facts.gather_facts(dossier), self._ledger.now(), self._limits):
            order, terms = self._ledger.order(payout_id), dossier.payout.terms
            request = self._gateway.render(order, terms, self._ledger.now())
            self._gateway.submit(request, terms, lambda: None)
        later(self, payout_id)

    return [(Sender, "send", eager)]


def lease_is_not_renewed() -> list[Change]:
    """
    A worker connects under whatever is left of its lease, if anything is.
    """
    return [(MemoryLedger, "renew", lambda *_: True)]


def no_answer_means_not_connected() -> list[Change]:
    """
    A request that got no answer is closed as if it had never been sent.
    """
    close = MemoryLedger.close_attempt

    def hopeful(self: MemoryLedger, attempt: Attempt, outcome: Any, *told: Any) -> Any:
        lost = outcome is AttemptOutcome.NO_ANSWER
        ended = AttemptOutcome.NOT_CONNECTED if lost else outcome
        return close(self, attempt, ended, *told)

    return [(MemoryLedger, "close_attempt", hopeful)]


def refusal_after_exposure() -> list[Change]:
    """
    A refusal of any attempt makes it failed, although an earlier one may have arrived.
    """
    verdict = state._verdict

    def hasty(facts: Any, *rest: Any) -> Any:
        if facts.refusals and facts.top is None and not facts.payout.status.is_final:
            return state._refused(facts.refusals[-1])
        return verdict(facts, *rest)

    return [(state, "_verdict", hasty)]


def sweep_forgets_lost_workers() -> list[Change]:
    """
    Nobody ends the leases of workers that died.
    """
    return [(MemoryLedger, "expire_leases", lambda *_: [])]


def queries_end_in_silence() -> list[Change]:
    """
    After the ladder nobody asks any more.
    """
    ask = state.next_query_at

    def tired(facts: Any, status: Any, finalized_at: Any, now: Any, limits: Any) -> Any:
        due = ask(facts, status, finalized_at, now, limits)
        since = facts.payout.last_sent_at
        return None if since and due and due - since > timedelta(minutes=125) else due

    return [(state, "next_query_at", tired)]


def notification_is_not_kept() -> list[Change]:
    """
    A notification counts only while it is answered: its evidence replaces nothing in the ledger.
    """
    top = facts.Facts.top

    def asked_only(self: facts.Facts) -> Any:
        found = top.fget(self)  # type: ignore[attr-defined]
        if found and found.evidence.applied_at and found.evidence.asked_at is None:
            return None
        return found

    return [(facts.Facts, "top", property(asked_only))]


def review_list_is_not_asked() -> list[Change]:
    """
    What goes to a listed payee is queued like any other.
    """
    return [(accept, "needs_review", lambda *_: False)]


PLANTS: dict[str, Callable[[], list[Change]]] = {
    plant.__name__: plant
    for plant in (
        timeout_means_failed,
        unlisted_code_means_failed,
        resend_after_one_denial,
        unsigned_is_believed,
        amount_is_not_compared,
        decides_before_it_locks,
        judges_what_was_known_before,
        lease_fences_evidence,
        send_before_commit,
        lease_is_not_renewed,
        no_answer_means_not_connected,
        refusal_after_exposure,
        sweep_forgets_lost_workers,
        queries_end_in_silence,
        notification_is_not_kept,
        review_list_is_not_asked,
    )
}


@contextlib.contextmanager
def planted(name: str | None) -> Iterator[None]:
    """
    Live with a bug for a while; with none if there is no name.
    """
    with contextlib.ExitStack() as stack:
        for place, attribute, replacement in PLANTS[name]() if name else ():
            stack.enter_context(patch.object(place, attribute, replacement))
        yield

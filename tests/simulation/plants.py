"""
Bugs to be planted into the running process, so that a run which finds nothing is worth something.

Each one takes away a guard that money depends on, as a careless change might.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from tests.doubles.ledger import MemoryLedger
from tests.simulation import outbox_plants, restore_plants
from tests.simulation.known_kinds import KINDS, Change
from worker.payouts.claim import Claim, Claims, Draft
from worker.payouts.errors import EvidenceWaits, IllegalMove, NotSent
from worker.payouts.evidence import REFUSALS, Evidence, Meaning
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import AttemptOutcome, Payout
from worker.payouts.news import Ending, News
from worker.payouts.policy import (
    cases,
    classification,
    facts,
    may_send,
    next_query,
    proof,
    returns,
    state,
)
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import CaseNote
from worker.usecases import accept
from worker.usecases.send import Sender
from worker.usecases.taken import Taken


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
    return [(may_send, "proven_absent", lambda facts, *_: next(iter(facts.absences), None))]


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

    def careless(self: Sender, most: int) -> Taken:
        texts: dict[int, str | None] = {}
        asked = self._asked()
        payout_ids = self._ledger.find_due_sends(self._claimant.customer_no, most)
        for payout_id in payout_ids:
            dossier, order = self._ledger.dossier(payout_id), self._ledger.order(payout_id)
            with contextlib.suppress(EvidenceWaits):
                texts[payout_id] = self._decide(Draft(dossier, order, None, self._ledger.now()))
        again = replace(
            self._claimant,
            decide=lambda draft: draft.request or texts.get(draft.dossier.payout.id),
        )
        claims = Claims()
        with contextlib.suppress(IllegalMove):  # a guard of its own, which stays
            claims = self._ledger.claim(payout_ids, again)
        return self._works(claims, asked)

    return [(Sender, "take", careless)]


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

    return [(MemoryLedger, "_judge", careless)]


def lease_fences_evidence() -> list[Change]:
    """
    The reply to an attempt whose lease is over is thrown away.
    """

    def fenced(self: MemoryLedger, news: News) -> News:
        row = self.dossier(news.payout_id).payout
        late = news.ending and row.lease_token != news.ending.attempt.lease_token
        return replace(news, told=None) if late else news

    return [_told_otherwise(fenced)]


def send_before_commit() -> list[Change]:
    """
    The request goes out first, and is recorded once the answer is there.
    """
    later = Sender.take

    def eager(self: Sender, most: int) -> Taken:
        for payout_id in self._ledger.find_due_sends(self._claimant.customer_no, most):
            dossier = self._ledger.dossier(payout_id)
            if may_send.may_send(facts.gather_facts(dossier), self._ledger.now(), self._limits):
                order, terms = self._ledger.order(payout_id), dossier.payout.terms
                request = self._gateway.render(order, terms, self._ledger.now())
                with contextlib.suppress(NotSent):
                    self._gateway.submit(request, terms, lambda: None)
        return later(self, most)

    return [(Sender, "take", eager)]


def lease_is_not_renewed() -> list[Change]:
    """
    A worker connects under whatever is left of its lease, if anything is.
    """
    return [(MemoryLedger, "renew", lambda *_: True)]


def no_answer_means_not_connected() -> list[Change]:
    """
    A request that got no answer is closed as if it had never been sent.
    """

    def hopeful(_self: MemoryLedger, news: News) -> News:
        ending = news.ending
        if ending is None or ending.outcome is not AttemptOutcome.NO_ANSWER:
            return news
        return replace(news, ending=replace(ending, outcome=AttemptOutcome.NOT_CONNECTED))

    return [_told_otherwise(hopeful)]


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
    ask = next_query.next_query_at

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


def half_a_batch_is_lost() -> list[Change]:
    """
    Of what ended together one half is kept.
    """
    keep = MemoryLedger.take_in

    def halved(self: MemoryLedger, news: Sequence[News], judge: Judge | None = None) -> object:
        return keep(self, news[: (len(news) + 1) // 2], judge)

    return [(MemoryLedger, "take_in", halved)]


def an_outcome_goes_to_another_row() -> list[Change]:
    """
    What ended together is written to the rows in another order.
    """
    keep = MemoryLedger.take_in

    def shuffled(self: MemoryLedger, news: Sequence[News], judge: Judge | None = None) -> object:
        ids = [one.payout_id for one in news]
        mixed = zip(news, ids[1:] + ids[:1], strict=True)
        return keep(self, [replace(one, payout_id=other) for one, other in mixed], judge)

    return [(MemoryLedger, "take_in", shuffled)]


def a_claim_that_began_is_given_back() -> list[Change]:
    """
    What was claimed together and takes too long goes back into the queue, sent or not.
    """
    transmit = Sender._transmit

    def impatient(self: Sender, claim: Claim, leave_until: float) -> None:
        transmit(self, claim, leave_until)
        if self._steady() > leave_until:
            ending = Ending(claim.attempt, AttemptOutcome.NOT_CONNECTED, "given back")
            self._handler.keep({}, News(claim.payout.id, ending))

    def last_word_counts(self: MemoryLedger, news: News, judge: Judge | None) -> Judged | None:
        if news.ending and news.ending.detail == "given back":
            self._attempts[news.payout_id] = [
                replace(a, outcome=news.ending.outcome) if a.id == news.ending.attempt.id else a
                for a in self._attempts[news.payout_id]
            ]
        return take_in(self, news, judge)

    take_in = MemoryLedger._take_in
    return [
        (Sender, "_transmit", impatient),
        (MemoryLedger, "_take_in", last_word_counts),
    ]


def _told_otherwise(change: Callable[[MemoryLedger, News], News]) -> Change:
    """
    The ledger takes in something else than it was told.
    """
    keep = MemoryLedger._take_in

    def changed(self: MemoryLedger, news: News, judge: Judge | None) -> Judged | None:
        return keep(self, change(self, news), judge)

    return (MemoryLedger, "_take_in", changed)


def proof_sees_whole_statuses_alone() -> list[Change]:
    """
    Half a message, a trade number, an unlisted status and another's amount spoil no proof.
    """

    def blind(facts: Any, told: Any = None, _since: Any = None) -> Any:
        return tuple(t.evidence for t in facts.trades if told is None)

    return [(place, "beyond", blind) for place in (may_send, proof, next_query)]


def case_names_the_first_piece() -> list[Change]:
    """
    What a person closed once never opens again.
    """

    def first(kind: Any, completing: Any) -> Any:
        ids = [evidence.id for evidence in completing]
        return [CaseNote(kind, min(ids))] if ids else []

    return [(cases, "_newest", first)]


def success_hides_a_return() -> list[Change]:
    """
    An amount that came back is looked for in returns alone.
    """

    def returns_alone(facts: Any) -> Any:
        back = returns.returns(facts)
        return tuple(e for e in back if not 0 < returns.fen(e) <= facts.payout.amount_fen)

    return [(cases, "odd_amounts", returns_alone)]


def date_of_a_trade_is_not_read() -> list[Change]:
    """
    Whatever has our number is ours, however old it is.
    """
    return [(classification, "_precedes", lambda *_: False)]


def silence_lifts_any_doubt() -> list[Change]:
    """
    After a restore "not found" is enough, whatever JD had told.
    """

    def trusting(facts: Any, _limits: Any) -> bool:
        since = facts.payout.doubted_at
        return since is not None and all(e.as_of < since for e in facts.answers)

    return [(module, "is_doubted", trusting) for module in (state, next_query, may_send)]


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
        half_a_batch_is_lost,
        an_outcome_goes_to_another_row,
        a_claim_that_began_is_given_back,
        proof_sees_whole_statuses_alone,
        case_names_the_first_piece,
        success_hides_a_return,
        date_of_a_trade_is_not_read,
        silence_lifts_any_doubt,
        *KINDS,
        *outbox_plants.KINDS,
        *restore_plants.KINDS,
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

"""
Bugs of the kinds that trials of the first release found, to be planted again.

Each takes away one guard that was missing then: about what JD says, what it said before, whom a
payout belongs to, and what people decide at the same time.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.doubles import actions as memory_actions
from tests.doubles import ledger as memory
from tests.doubles.ledger import MemoryLedger
from worker.jdpay import client
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Answer, Evidence, Source, TradeStatus
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import Case, Dossier, Payout
from worker.payouts.policy import (
    cases,
    classification,
    controls,
    effects,
    facts,
    may_send,
    obligation,
    proof,
    signs,
    state,
)
from worker.payouts.policy.actions import Action
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.obligation import Covered
from worker.payouts.policy.proof import Proof
from worker.payouts.status import PayoutStatus
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

#: Where something is, its name there, and what takes its place.
Change = tuple[Any, str, Any]

_PROGRESS = frozenset({TradeStatus.BUID, TradeStatus.ACSU, TradeStatus.WPAR})


def claim_does_not_ask_the_debt() -> list[Change]:
    """
    A payout is sent whatever became of those that it replaces.
    """
    return [(memory, "cover", lambda *_: Covered())]


def largest_return_counts() -> list[Change]:
    """
    Another payout may pay the most that ever came back, whatever JD says of it now.
    """

    def fen(known: Facts) -> int:
        return max((e.answer.refund_fen or 0 for e in _returns(known)), default=0)

    def largest(known: Facts) -> Proof | None:
        back = max(_returns(known), key=lambda e: e.answer.refund_fen or 0, default=None)
        if back is None or signs.beyond(known, TradeStatus.REFU, back.as_of):
            return None
        return (back.id,)

    return [(proof, "_fen", fen), (proof, "_return", largest)]


def _returns(known: Facts) -> list[Evidence]:
    told = (t.evidence for t in known.trades)
    back = (e for e in told if e.answer.trade_status is TradeStatus.REFU)
    return [e for e in back if 0 < (e.answer.refund_fen or 0) <= known.payout.amount_fen]


def sign_counts_in_replies_alone() -> list[Change]:
    """
    What tells in half that JD has a payout spoils nothing if it answers a question.
    """
    return [(signs, "speaking", _without(lambda e, _payout: e.source is Source.QUERY))]


def half_an_orphan_is_no_sign() -> list[Change]:
    """
    A notification that came before its job spoils nothing, unless it names everything.
    """

    def early(evidence: Evidence, payout: Payout) -> bool:
        before = evidence.received_at <= payout.accepted_at
        return before and evidence.source is Source.NOTIFICATION

    return [(signs, "speaking", _without(early))]


def _without(is_passed_over: Any) -> Any:
    def speaking(known: Facts) -> tuple[Evidence, ...]:
        halves = [k.evidence for k in known.known]
        counted = [e for e in halves if not is_passed_over(e, known.payout)]
        shown = [*(t.evidence for t in known.trades), *counted]
        return tuple(sorted(shown, key=lambda evidence: evidence.id))

    return speaking


def progress_spoils_no_close() -> list[Change]:
    """
    A close counts although JD told later that it still works on it.
    """

    def forgetful(known: Facts, told: Any = None, since: Any = None) -> tuple[Evidence, ...]:
        found = signs.beyond(known, told, since)
        if told is not TradeStatus.CLOS:
            return found
        return tuple(e for e in found if e.answer.trade_status not in _PROGRESS)

    return [(proof, "beyond", forgetful)]


def release_on_one_close() -> list[Change]:
    """
    One CLOS is proof enough.
    """
    unpaid = proof.unpaid

    def once(known: Facts) -> Proof | None:
        closes = [t.evidence.id for t in known.trades if t.status is PayoutStatus.FAILED]
        return unpaid(known) or tuple(closes[:1]) or None

    return [(proof, "unpaid", once), (obligation, "unpaid", once)]


def debt_is_freed_once() -> list[Change]:
    """
    What comes back after a part of it was paid anew can never be paid.
    """

    def once(action: Action, payout: Payout, *rest: Any) -> Payout:
        if action is Action.REPLACE and payout.released_at is not None:
            raise NotAllowed("its obligation was freed before")
        return effects.take(action, payout, *rest)

    return [(memory_actions, "take", once)]


def refused_never_grows_stale() -> list[Change]:
    """
    A refused payout that a person wanted sent again goes out however late.
    """

    def patient(payout: Payout, *rest: Any) -> bool:
        refused = payout.status is PayoutStatus.REFUSED
        return not refused and controls.is_stale(payout, *rest)

    return [
        (may_send, "is_stale", patient),
        (state, "lapses", lambda *_: False),
        (cases, "lapses", lambda *_: False),
    ]


def own_refused_attempt_is_anothers() -> list[Change]:
    """
    A number that JD refused to us, and knows at the second attempt, is taken for another's.
    """
    earlier = facts._tried_before

    def forgetful(dossier: Dossier, evidence: Evidence) -> Any:
        refused = {
            e.attempt_id
            for e in dossier.evidence
            if isinstance(classification.classify(dossier.payout, e, None), classification.Refusal)
        }
        left = tuple(a for a in dossier.attempts if a.id not in refused)
        return earlier(replace(dossier, attempts=left), evidence)

    return [(facts, "_tried_before", forgetful)]


def late_close_opens_no_case() -> list[Change]:
    """
    A bank's late refusal, told as a close of what was paid, is swallowed.
    """
    after = cases._after_close

    def swallowed(known: Facts) -> tuple[Evidence, ...]:
        paid = any(t.evidence.answer.trade_status is TradeStatus.FINI for t in known.trades)
        return () if paid else after(known)

    return [(cases, "_after_close", swallowed)]


def orphan_is_looked_for_too_early() -> list[Change]:
    """
    Whether a notification's number is ours is asked before the transaction that stores it.
    """
    orphans: set[int] = set()
    notify, store = EvidenceHandler.notify, MemoryLedger.notify

    def early(self: EvidenceHandler, answer: Answer) -> bool:
        if self.ledger.find(self.customer_no, answer.number or "") is None:
            orphans.add(id(answer))
        return notify(self, answer)

    def stored(
        self: MemoryLedger, customer_no: str, answers: Sequence[Answer], judge: Judge | None = None
    ) -> Sequence[Judged | Orphaned | None]:
        kept = {id(a): self._keep_orphan(customer_no, a) for a in answers if id(a) in orphans}
        orphans.difference_update(kept)
        rest = iter(store(self, customer_no, [a for a in answers if id(a) not in kept], judge))
        return [kept[id(a)] if id(a) in kept else next(rest) for a in answers]

    return [(EvidenceHandler, "notify", early), (MemoryLedger, "notify", stored)]


def case_is_closed_unseen() -> list[Change]:
    """
    Closing a case covers what came after the person looked.
    """
    close = MemoryLedger.close_case

    def hasty(self: MemoryLedger, case: Case, who: str, why: str) -> None:
        known = next((c for c in self._cases if c.id == case.id), case)
        close(self, replace(case, evidence_id=known.evidence_id), who, why)

    return [(MemoryLedger, "close_case", hasty)]


def address_is_not_checked() -> list[Change]:
    """
    A request goes wherever its row says.
    """
    return [(client, "where", lambda terms, _allowed: terms.gateway_url)]


def any_merchant_is_ours() -> list[Change]:
    """
    What is due is sent and asked with whatever keys there are.
    """
    sends, queries = MemoryLedger.find_due_sends, MemoryLedger._due_queries

    def due_sends(self: MemoryLedger, _merchant: str, limit: int) -> list[int]:
        return [one for merchant in _merchants(self) for one in sends(self, merchant, limit)]

    def due_queries(self: MemoryLedger, _merchant: str) -> list[int]:
        return [one for merchant in _merchants(self) for one in queries(self, merchant)]

    return [
        (EvidenceHandler, "is_ours", lambda *_: True),
        (MemoryLedger, "find_due_sends", due_sends),
        (MemoryLedger, "_due_queries", due_queries),
    ]


def _merchants(ledger: MemoryLedger) -> list[str]:
    return sorted({row.terms.customer_no for row in ledger._rows.values()})


def other_merchants_are_not_told() -> list[Change]:
    """
    Payouts of a merchant whom the settings name no more are nobody's.
    """
    health = MemoryLedger.health
    return [(MemoryLedger, "health", lambda *args: replace(health(*args), others=()))]


def another_merchant_pays_instead() -> list[Change]:
    """
    A payout may be replaced by whoever has settings.
    """
    return [(Operator, "check_replaceable", lambda *_: None)]


KINDS = (
    address_is_not_checked,
    any_merchant_is_ours,
    other_merchants_are_not_told,
    another_merchant_pays_instead,
    claim_does_not_ask_the_debt,
    largest_return_counts,
    sign_counts_in_replies_alone,
    half_an_orphan_is_no_sign,
    progress_spoils_no_close,
    release_on_one_close,
    debt_is_freed_once,
    refused_never_grows_stale,
    own_refused_attempt_is_anothers,
    late_close_opens_no_case,
    orphan_is_looked_for_too_early,
    case_is_closed_unseen,
)

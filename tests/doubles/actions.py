"""
What people decide, in the ledger in memory.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.doubles.rows import MemoryRows, transactions
from worker.payouts.acceptance import Entry
from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.model import Case, Dossier, Order, Payout, Terms
from worker.payouts.policy.actions import Action, Decision, Recorded
from worker.payouts.policy.effects import take
from worker.payouts.policy.obligation import check_fresh, check_replacement, normalized
from worker.store.base import new_token


@transactions
class MemoryActions(MemoryRows):
    """
    The operators' entries.
    """

    def __init__(
        self, clock: Callable[[], datetime], new_token: Callable[[], str] = new_token
    ) -> None:
        super().__init__(clock, new_token)
        self._decisions: list[Recorded] = []
        self._former_requests: defaultdict[int, list[str]] = defaultdict(list)

    def carry_out(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record a decision. Raises `StaleTransition` or `NotAllowed`.
        """
        row = self._current(dossier.payout)
        after = take(decision.action, row, self._clock(), decision.gateway_url)
        if decision.action is Action.RELEASE:
            check_fresh(dossier, self._clock())
            self._commit(self._obligations[normalized(row.obligation)], -row.amount_fen)
        self._write(row, after)
        if decision.request is not None:
            self._former_requests[row.id].append(self._requests[row.id])
            self._requests[row.id] = decision.request
        if decision.proof:
            evidence_id = decision.proof[-1]
            self._move(row, after, decision.who, evidence_id)
        else:
            self._move(row, after, decision.who)
        self._record(row.id, decision)

    def replace(
        self,
        dossier: Dossier,
        decision: Decision,
        order: Order,
        terms: Terms,
        *,
        for_review: bool = False,
        duplicates_within: timedelta = timedelta(0),
    ) -> int:
        """
        Release an obligation and accept the payout that pays it instead; return its id.

        Raises `StaleTransition` or `NotAllowed`.
        """
        row = self._current(dossier.payout)
        after = take(decision.action, row, self._clock())
        owed = self._obligations[normalized(row.obligation)]
        others = self._sharing(row.obligation, but=row.id)
        check_fresh(dossier, self._clock())
        check_replacement(dossier, order, owed, others, self._clock())
        if (terms.customer_no, order.out_trade_no) in self._numbers:
            raise NotAllowed("out_trade_no: another payout has this number")
        self._write(row, after)
        if row.released_at is None:
            self._commit(owed, -row.amount_fen)
        payout_id = self._accept(
            Entry(order, for_review, duplicates_within=duplicates_within), terms
        )
        assert payout_id is not None
        self._record(row.id, decision, replaced_by=payout_id)
        return payout_id

    def close_case(self, case: Case, who: str, why: str) -> None:
        """
        Close a case and record who did, and why.

        Raises `StaleTransition` if it is closed already, or names newer evidence than was seen.
        """
        if not any(c.id == case.id and c.closed_at is None for c in self._cases):
            raise StaleTransition(f"case {case.id} is closed already")
        if self.case(case.id).evidence_id != case.evidence_id:
            raise StaleTransition(f"case {case.id} names newer evidence; look again")
        if case.payout_id is not None:
            row = self._row(case.payout_id)
            self._touch(row)
        decision = Decision(Action.RESOLVE, who, why, case_id=case.id)
        self._record(case.payout_id, decision)

    def closing(self, case_id: int) -> Recorded | None:
        """
        The decision that closed a case; None while it is open.
        """
        return next((d for d in self._decisions if d.case_id == case_id), None)

    def decisions(self, payout_id: int) -> Sequence[Recorded]:
        """
        What was decided about a payout, oldest first, and that it replaces another if it does.
        """
        return [d for d in self._decisions if payout_id in {d.payout_id, d.replaced_by}]

    def former_requests(self, payout_id: int) -> Sequence[str]:
        """
        Each request that was sent before the present one took its place, oldest first.
        """
        return self._former_requests[payout_id]

    def _current(self, payout: Payout) -> Payout:
        row = self._row(payout.id)
        if row.version != payout.version:
            raise StaleTransition(f"payout {payout.id} changed meanwhile; look again")
        return row

    def _record(
        self, payout_id: int | None, decision: Decision, *, replaced_by: int | None = None
    ) -> None:
        now = self._clock()
        self._cases = [
            replace(c, closed_at=now) if c.id == decision.case_id else c for c in self._cases
        ]
        self._decisions.append(
            Recorded(
                id=next(self._ids["decisions"]),
                action=decision.action,
                who=decision.who,
                why=decision.why,
                at=self._clock(),
                proof=decision.proof,
                payout_id=payout_id,
                case_id=decision.case_id,
                replaced_by=replaced_by,
                proposal_id=decision.proposal_id,
            )
        )
        for other in decision.others:
            self._record(payout_id, other)

"""
The promises, checked for every payout once all is at rest.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from worker.demo import audit as books_audit
from worker.payouts.invariants import at_rest, of_payout
from worker.payouts.limits import Limits
from worker.payouts.model import Case, CaseKind, Payout, Transition
from worker.sandbox.debts import Job
from worker.usecases.ports import Ledger

#: More than any run has.
_ALL = 10_000_000

#: What the sandbox gives reason for. It contradicts itself in nothing, so any other case would show
#: that something was believed which it never said.
_EXPECTED = {
    *(CaseKind.NO_RESULT, CaseKind.PARTIAL_RETURN, CaseKind.NOT_FOUND),
    # Not the sandbox's doing: its settings put one payee on the review list.
    CaseKind.REVIEW,
}

#: Where the database goes back: JD knows what it has forgotten.
_RESTORED = {CaseKind.UNEXPECTED, CaseKind.FORGOTTEN, CaseKind.ORPHAN}

#: Of these payouts it never tells an end, which a long run calls unresolved as well; and of what a
#: journal put back that never reached it.
_ENDLESS = {CaseKind.NO_RESULT, CaseKind.NOT_FOUND, CaseKind.FORGOTTEN}


@dataclass(frozen=True, slots=True)
class Findings:
    """
    Everything that an audit read, and what it found wrong.
    """

    payouts: Sequence[Payout]
    histories: Sequence[Sequence[Transition]]
    cases: Sequence[Case]
    books: Mapping[str, Any]
    breaches: tuple[str, ...]


def unfinished(ledger: Ledger, books: Mapping[str, Any], jobs: Sequence[Job]) -> list[str]:
    """
    What is still to come to rest, or on what the books do not agree yet.

    Nothing rests while a trade has a step to come, as a return seconds after it was paid: the books
    and the ledger are read one after the other, and would differ by what happens between.
    """
    payouts = ledger.payouts(None, _ALL)
    with_case = {case.out_trade_no for case in ledger.cases(open_only=True, limit=_ALL)}
    waiting = [
        f"{payout.out_trade_no} {payout.status}"
        for payout in payouts
        if not payout.status.is_final and payout.out_trade_no not in with_case
    ]
    if to_come := books.get("to_come"):  # an older version's sandbox does not tell
        waiting.append(f"{to_come} steps of JD's")
    return waiting or list(books_audit.audit(books, jobs, ledger).faults)


def audit(
    ledger: Ledger,
    books: Mapping[str, Any],
    limits: Limits,
    jobs: Sequence[Job],
    *,
    restored: bool = False,
) -> Findings:
    """
    Check every payout, and hold the ledger against the books and the producer's jobs.
    """
    expected = _EXPECTED | (_RESTORED if restored else set())
    payouts = ledger.payouts(None, _ALL)
    cases = ledger.cases(open_only=False, limit=_ALL)
    by_payout: dict[int | None, list[Case]] = {}
    for case in cases:
        by_payout.setdefault(case.payout_id, []).append(case)
    breaches: list[str] = []
    histories = []
    now = ledger.now()
    for payout in payouts:
        dossier, history = ledger.dossier(payout.id), ledger.history(payout.id)
        histories.append(history)
        found = of_payout(dossier, history, by_payout.get(payout.id, []), now, limits)
        breaches += map(str, (*found, *at_rest(dossier)))
    breaches += [
        f"{case.out_trade_no}: a case {case.kind} for which the gateway gave no reason"
        for case in cases
        if not _is_expected(case, expected, {other.kind for other in by_payout[case.payout_id]})
    ]
    if books["conflicting"]:
        breaches.append(f"{books['conflicting']} numbers went out again with other content")
    breaches += books_audit.audit(books, jobs, ledger).faults
    return Findings(payouts, histories, cases, books, tuple(breaches))


def _is_expected(case: Case, expected: Set[CaseKind], of_payout: Set[CaseKind]) -> bool:
    endless = case.kind is CaseKind.UNRESOLVED and not of_payout.isdisjoint(_ENDLESS)
    return case.kind in expected or endless

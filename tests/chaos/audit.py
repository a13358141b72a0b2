"""
The promises, checked for every payout once all is at rest.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from worker.demo import audit as books_audit
from worker.payouts.invariants import Breach, Invariant, at_rest, of_books, of_payout
from worker.payouts.limits import Limits
from worker.payouts.model import Case, CaseKind, Payout, Transition
from worker.usecases.ports import Ledger

#: More than any run has.
_ALL = 10_000_000

#: What the sandbox's journal calls the movements of payouts' own money, fees aside.
_MOVEMENTS = frozenset({"debit", "closed", "returned"})

#: What the sandbox gives reason for. It contradicts itself in nothing, so any other case would show
#: that something was believed which it never said.
_EXPECTED = {
    *(CaseKind.NO_RESULT, CaseKind.PARTIAL_RETURN, CaseKind.NOT_FOUND),
    # Not the sandbox's doing: its settings put one payee on the review list.
    CaseKind.REVIEW,
}

#: Of these payouts it never tells an end, which a long run calls unresolved as well.
_ENDLESS = {CaseKind.NO_RESULT, CaseKind.NOT_FOUND}


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


def unfinished(ledger: Ledger, books: Mapping[str, Any]) -> list[str]:
    """
    What is still to come to rest, or on what the books do not agree yet.
    """
    payouts = ledger.payouts(None, _ALL)
    with_case = {case.out_trade_no for case in ledger.cases(open_only=True, limit=_ALL)}
    waiting = [
        f"{payout.out_trade_no} {payout.status}"
        for payout in payouts
        if not payout.status.is_final and payout.out_trade_no not in with_case
    ]
    return waiting or list(books_audit.audit(books, payouts, with_case).faults)


def audit(
    ledger: Ledger, books: Mapping[str, Any], limits: Limits, fates: Mapping[str, str]
) -> Findings:
    """
    Check every payout, the books, and every job; `fates` has what the producer knows of each.
    """
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
    breaches += map(str, _against_books(payouts, books))
    breaches += map(str, _jobs(payouts, {r.out_trade_no for r in ledger.rejections(_ALL)}, fates))
    breaches += [
        f"{case.out_trade_no}: a case {case.kind} for which the gateway gave no reason"
        for case in cases
        if not _is_expected(case, {other.kind for other in by_payout[case.payout_id]})
    ]
    with_case = {case.out_trade_no for case in cases if case.closed_at is None}
    breaches += books_audit.audit(books, payouts, with_case).faults
    return Findings(payouts, histories, cases, books, tuple(breaches))


def _is_expected(case: Case, of_payout: Set[CaseKind]) -> bool:
    endless = case.kind is CaseKind.UNRESOLVED and not of_payout.isdisjoint(_ENDLESS)
    return case.kind in _EXPECTED or endless


def _against_books(payouts: Sequence[Payout], books: Mapping[str, Any]) -> Iterator[Breach]:
    kept_fen: dict[str, int] = {}
    for entry in books["journal"]:
        if entry["kind"] in _MOVEMENTS:
            number = entry["out_trade_no"]
            kept_fen[number] = kept_fen.get(number, 0) - entry["change_fen"]
    return of_books(
        {order["out_trade_no"]: order["debits"] for order in books["orders"]},
        kept_fen,
        {payout.out_trade_no: (payout.obligation, payout.amount_fen) for payout in payouts},
    )


def _jobs(
    payouts: Sequence[Payout], rejected: set[str | None], fates: Mapping[str, str]
) -> Iterator[Breach]:
    accepted = {payout.out_trade_no for payout in payouts}
    for number in fates.keys() - accepted - rejected:
        yield Breach(Invariant.I2_NOTHING_LOST, number, f"{fates[number]}, and left no trace")
    for number in accepted - fates.keys():
        yield Breach(Invariant.I2_NOTHING_LOST, number, "nobody asked for it")

"""
Whether every promise holds for every payout: read-only, in bounded memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from worker.payouts.invariants import Breach, Invariant, of_payout
from worker.payouts.limits import Limits
from worker.usecases.ports import AuditReads

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Audited:
    """
    What an audit found.
    """

    payouts: int
    breaches: tuple[Breach, ...]


class Auditor:
    """
    Checks a ledger.

    It may run beside the workers: what looks broken while a worker is busy is looked at again.
    """

    def __init__(self, ledger: AuditReads, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits

    def count(self) -> int:
        """
        How many payouts there are to check.
        """
        return self._ledger.count()

    def audit(self, advance: Callable[[], None] = lambda: None) -> Audited:
        """
        Check the invariants of every payout, and call `advance` after each.
        """
        suspects: list[int] = []
        checked = 0
        for payout_id in self._ids():
            suspects += [payout_id] if any(self._breaches(payout_id)) else []
            checked += 1
            advance()
        breaches = [b for payout_id in suspects for b in self._breaches(payout_id)]
        unproven = "its obligation was freed without a decision on record"
        breaches += [
            Breach(Invariant.I10_RELEASED_WITH_PROOF, number, unproven)
            for number in self._ledger.find_unproven_releases()
        ]
        return Audited(checked, tuple(breaches))

    def _ids(self) -> Iterator[int]:
        last = 0
        while batch := self._ledger.ids_after(last, _BATCH):
            yield from batch
            last = batch[-1]

    def _breaches(self, payout_id: int) -> Iterator[Breach]:
        dossier = self._ledger.dossier(payout_id)
        history = self._ledger.history(payout_id)
        cases = self._ledger.cases_of(payout_id)
        yield from of_payout(dossier, history, cases, self._ledger.now(), self._limits)

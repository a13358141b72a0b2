"""
What an audit reads, of the ledger in memory.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from tests.doubles.proposals import MemoryProposals
from tests.doubles.rows import transactions
from worker.payouts.model import CaseKind, Dossier, Obligation
from worker.payouts.people import Registrations
from worker.payouts.policy.obligation import normalized
from worker.payouts.record import Debt, Message, Record, Records


@transactions
class MemoryAudit(MemoryProposals):
    """
    Everything, over plain dictionaries.
    """

    def ids_after(self, payout_id: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """
        The next payouts in order of acceptance, and when each last changed.
        """
        later = sorted(number for number in self._rows if number > payout_id)
        return [(number, self._rows[number].updated_at) for number in later[:limit]]

    def records(self, payout_ids: Sequence[int]) -> Records:
        """
        All that is on record of some payouts.
        """
        known = tuple((p.uid, p.added_at, None) for p in self._registered.values())
        records = [self._record_of(number) for number in sorted(payout_ids)]
        return Records(
            self._clock(),
            records,
            Registrations((*known, *self._removed), tuple(self._services.items())),
        )

    def _record_of(self, payout_id: int) -> Record:
        dossier = self.dossier(payout_id)
        owed = self._obligations.get(normalized(dossier.payout.obligation))
        rows = [other.payout for other in self._sharing(dossier.payout.obligation)]
        held = sum(row.amount_fen for row in rows if row.released_at is None)
        return Record(
            dossier,
            self.history(payout_id),
            self.cases_of(payout_id),
            [d for d in self._decisions if d.payout_id == payout_id],
            [p for p in self._proposals.values() if p.payout_id == payout_id],
            None if owed is None else Debt(owed, sum(row.amount_fen for row in rows), held),
        )

    def debts(
        self, obligation_ids: Sequence[int]
    ) -> Sequence[tuple[Obligation, Sequence[Dossier]]]:
        """
        Some debts with all that is known of their payouts.
        """
        found = [owed for owed in self._obligations.values() if owed.id in obligation_ids]
        return [(owed, self._sharing(owed.name)) for owed in found]

    def messages(self, payout_ids: Sequence[int]) -> Sequence[Message]:
        """
        What JD told of some payouts, with the digest of each raw text.
        """
        return [
            Message(
                piece,
                self._rows[number].out_trade_no,
                self._rows[number].terms.customer_no,
                hashlib.sha256(piece.answer.raw).hexdigest(),
            )
            for number in payout_ids
            for piece in self._evidence[number]
        ]

    def altered(self, payout_ids: Sequence[int]) -> Sequence[tuple[str, str]]:
        """
        Nothing: there is no database that anyone else could write to.
        """
        return ()

    def altered_checkpoints(self) -> Sequence[int]:
        """
        None of them.
        """
        return ()

    def gone(self) -> Sequence[tuple[int, int]]:
        """
        None of them.
        """
        return ()

    def checkpoint(self, number: int) -> None:
        """
        None is ever noted.
        """

    def left_alone(self) -> Sequence[tuple[str, bool]]:
        """
        The numbers of notifications without a payout that are nobody's work.
        """
        told = {
            (case.customer_no, case.out_trade_no)
            for case in self._cases
            if case.kind is CaseKind.ORPHAN
        }
        return [
            (name[1], name in self._numbers)
            for name in self._orphans
            if name in self._numbers or name not in told
        ]

"""
A producer's own payouts, in the ledger in memory.
"""

from collections.abc import Iterator, Sequence

from tests.doubles.rows import MemoryRows, transactions
from worker.payouts.errors import NoSuchPayout
from worker.payouts.model import Payout
from worker.payouts.own import OwnPayout, Wanted
from worker.payouts.policy.obligation import normalized


@transactions
class MemoryOwnPayouts(MemoryRows):
    """
    What a producer may look up, over plain dictionaries.
    """

    def own_payout(self, customer_no: str, producer: str, out_trade_no: str) -> OwnPayout:
        """
        The producer's payout with that number. Raises `NoSuchPayout`.
        """
        found = self.find(customer_no, out_trade_no)
        if found is None or found.producer != producer:
            raise NoSuchPayout
        dossier = self.dossier(found.id)
        if found.released_at is None:
            return OwnPayout(dossier)
        debt = self._obligations[normalized(found.obligation)]
        return OwnPayout(dossier, debt, self._sharing(found.obligation, but=found.id))

    def own_payouts(
        self, customer_no: str, producer: str, wanted: Wanted, limit: int
    ) -> Sequence[OwnPayout]:
        """
        The producer's payouts that are wanted, the last accepted first.
        """
        last = None
        if wanted.behind is not None:
            last = self.own_payout(customer_no, producer, wanted.behind).dossier.payout
        own = (
            row
            for row in self._rows.values()
            if (row.terms.customer_no, row.producer) == (customer_no, producer)
        )
        place = {row.id: (row.accepted_at, row.id) for row in self._rows.values()}
        found = [
            row
            for row in own
            if all(_fits(row, wanted)) and (last is None or place[row.id] < place[last.id])
        ]
        found.sort(key=lambda row: place[row.id], reverse=True)
        return [self.own_payout(customer_no, producer, row.out_trade_no) for row in found[:limit]]


def _fits(row: Payout, wanted: Wanted) -> Iterator[bool]:
    yield wanted.status in {None, row.status}
    if wanted.obligation is not None:
        yield normalized(wanted.obligation) == normalized(row.obligation)
    if wanted.accepted_from is not None:
        yield row.accepted_at >= wanted.accepted_from
    if wanted.accepted_before is not None:
        yield row.accepted_at < wanted.accepted_before

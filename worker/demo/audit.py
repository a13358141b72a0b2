"""
The sandbox's books against our ledger: only what the gateway has booked counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from worker.payouts.model import Payout
from worker.payouts.status import PayoutStatus

#: What the books show of an order, and what our row may then say.
_AGREES = {
    "FINI": {PayoutStatus.PAID},
    "REFU": {PayoutStatus.RETURNED, PayoutStatus.PAID},
    "CLOS": {PayoutStatus.FAILED},
}
#: Statuses that claim no money moved, or that do not claim to know.
_NOT_BOOKED = {PayoutStatus.FAILED, PayoutStatus.REFUSED, PayoutStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class Audit:
    """
    What the comparison found; the fields are those of ``payouts demo --json``.
    """

    debits: int  #: how often the gateway took money from the balance
    duplicates: int  #: numbers that it took money for more than once
    missing: int  #: payouts on which the two sides do not agree, or that one side lacks
    ok: bool
    faults: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """
        The audit as JSON has it.
        """
        figures = asdict(self)
        del figures["faults"]
        return figures


def audit(books: Mapping[str, Any], payouts: Sequence[Payout], with_case: set[str]) -> Audit:
    """
    Hold each of our payouts against the books, and each order in the books against ours.

    `with_case` names the payouts that have an open case: of those we claim no more than we know.
    """
    orders = {order["out_trade_no"]: order for order in books["orders"]}
    ours = {payout.out_trade_no: payout for payout in payouts}
    faults = [
        f"{number}: in the books, not in the ledger" for number in orders.keys() - ours.keys()
    ]
    for number, payout in ours.items():
        fault = _disagreement(orders.get(number), payout, number in with_case)
        if fault:
            faults.append(f"{number}: {fault}")
    duplicates = int(books["duplicates"])
    return Audit(
        debits=int(books["debits"]),
        duplicates=duplicates,
        missing=len(faults),
        ok=not faults and not duplicates,
        faults=tuple(sorted(faults)),
    )


def _disagreement(order: Mapping[str, Any] | None, payout: Payout, has_case: bool) -> str | None:
    if order is None or not order["debits"]:
        if payout.status in _NOT_BOOKED or (has_case and not payout.status.is_final):
            return None
        return f"never booked, but {payout.status} here"
    if order["amount_fen"] != payout.amount_fen:
        return f"booked with {order['amount_fen']} fen, {payout.amount_fen} here"
    if order["refund_fen"] != payout.returned_fen:
        return f"{order['refund_fen']} fen came back, {payout.returned_fen} here"
    if payout.status not in _AGREES.get(order["status"], set()):
        return f"{order['status']} in the books, {payout.status} here"
    whole = payout.returned_fen == payout.amount_fen
    if order["status"] == "REFU" and whole is not (payout.status is PayoutStatus.RETURNED):
        return f"{payout.returned_fen} fen came back, {payout.status} here"
    return None

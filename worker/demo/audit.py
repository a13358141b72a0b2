"""
The demo's end: the sandbox's auditor looks at the jobs, the books and what our ledger says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from worker.payouts.model import Payout
from worker.sandbox.auditor import Fault, Statement
from worker.sandbox.auditor import audit as audit_all
from worker.sandbox.debts import Job, Trade
from worker.sandbox.trade import Status, Step
from worker.usecases.ports import Ledger

#: More than any demo has.
_ALL = 10_000_000


@dataclass(frozen=True, slots=True)
class Audit:
    """
    What the comparison found; the fields are those of ``payouts demo --json``.
    """

    debits: int  #: how often the gateway took money from the balance
    duplicates: int  #: numbers and debts for which it took more than is owed
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


def audit(books: Mapping[str, Any], jobs: Sequence[Job], ledger: Ledger) -> Audit:
    """
    Audit the sandbox's books and the whole ledger, once everything has come to rest.
    """
    found = audit_all(
        jobs, trades(books), statements(ledger), rejected(ledger), ledger.now(), timedelta(0)
    )
    double = {finding.about for finding in found if finding.fault is Fault.DOUBLE}
    return Audit(
        debits=int(books["debits"]),
        duplicates=len(double),
        missing=len({finding.about for finding in found if finding.fault is not Fault.DOUBLE}),
        ok=not found,
        faults=tuple(sorted(map(str, found))),
    )


def trades(books: Mapping[str, Any]) -> dict[str, Trade]:
    """
    The sandbox's books as its auditor takes them.
    """
    return {order["out_trade_no"]: _trade(order) for order in books["orders"] if order["debits"]}


def statements(ledger: Ledger) -> dict[str, Statement]:
    """
    What the ledger says of each payout.
    """
    with_case = {case.payout_id for case in ledger.cases(open_only=True, limit=_ALL)}
    return {
        payout.out_trade_no: stated(payout, has_case=payout.id in with_case)
        for payout in ledger.payouts(None, _ALL)
    }


def stated(payout: Payout, *, has_case: bool) -> Statement:
    """
    What a row says.
    """
    return Statement(
        payout.status.value, payout.returned_fen, payout.released_at is not None, has_case
    )


def rejected(ledger: Ledger) -> set[str]:
    """
    The numbers of the rejected jobs.
    """
    numbers = (rejection.out_trade_no for rejection in ledger.rejections(_ALL))
    return {number for number in numbers if number is not None}


def _trade(order: Mapping[str, Any]) -> Trade:
    since = datetime.fromisoformat(order["since"])
    step = Step(since, Status(order["status"]), order["refund_fen"])
    return Trade(order["amount_fen"], [step], debits=order["debits"])

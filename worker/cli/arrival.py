"""
Waiting until the worker has taken jobs: accepted, or rejected with its reason.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.intake import jobs
from worker.intake.files import Checked
from worker.payouts.acceptance import differing
from worker.payouts.status import PayoutStatus
from worker.usecases.ports import Ledger

_LOOK_EVERY_S = 0.2
#: The newest rejections that are searched: more than a file's worth of jobs can leave.
_REJECTIONS = 1000


@dataclass(frozen=True, slots=True)
class Fate:
    """
    What became of one job: `waiting` for a worker to take it, `accepted` or `rejected`.
    """

    checked: Checked
    state: str = "waiting"
    payout_id: int | None = None
    #: Whether it waits for a person before it is sent; None until it is accepted.
    is_held: bool | None = None
    faults: tuple[str, ...] = ()


def wait(
    sent: Sequence[Checked],
    ledger: Ledger,
    since: datetime,
    seconds: float,
    tell: Callable[[str], None],
) -> list[Fate]:
    """
    Look until each job is accepted or rejected, or the time is over.

    `since` is the database's time before the first job was sent.
    """
    deadline = time.monotonic() + seconds
    fates = [_look(job, ledger, since) for job in sent]
    told = 0
    while waiting := sum(fate.state == "waiting" for fate in fates):
        if time.monotonic() >= deadline:
            break
        if waiting != told:
            tell(f"waiting for {waiting} of {len(fates)} jobs")
            told = waiting
        time.sleep(_LOOK_EVERY_S)
        fates = [
            _look(fate.checked, ledger, since) if fate.state == "waiting" else fate
            for fate in fates
        ]
    return fates


def _look(checked: Checked, ledger: Ledger, since: datetime) -> Fate:
    order = checked.order
    assert order is not None
    for payout in ledger.numbered(order.out_trade_no):
        if not differing(ledger.order(payout.id), order):
            return Fate(checked, "accepted", payout.id, payout.status is PayoutStatus.HELD)
    trace = jobs.rejection(checked.job, "", (), "").sha256
    for rejection in ledger.rejections(_REJECTIONS):
        if rejection.rejected_at is None or rejection.rejected_at < since:
            break
        if rejection.sha256 == trace:
            faults = (rejection.reason, *rejection.faults)
            return Fate(checked, "rejected", faults=faults)
    return Fate(checked)

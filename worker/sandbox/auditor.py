"""
What may be said of each payout, by the jobs and the books alone, and what is wrong with what is.

It shares nothing with whoever pays, no rule and no type: so no mistake can be made on both sides.
Amounts are fen, times are aware.
"""

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.sandbox.debts import UNDER_WAY, Job, Trade, debts
from worker.sandbox.trade import Status, Step

#: What says that nothing has gone out, and what says that the end is not known.
_NOT_SENT = frozenset({"queued", "held", "cancelled"})
_UNSURE = frozenset({"sending", "refused", "unknown", "processing"})


@dataclass(frozen=True, slots=True)
class Statement:
    """
    What is said of one payout, in the words of the product's documents.
    """

    status: str
    returned_fen: int = 0
    #: Whether another payout may pay the debt instead: all of it, or what came back of a paid one.
    released: bool = False
    #: Whether a person is told that something about it is not as it should be.
    has_case: bool = False


class Fault(enum.StrEnum):
    """
    What can be wrong.
    """

    DOUBLE = "double"  #: more went out than is owed
    LOST = "lost"  #: a job is nowhere, and nobody is told
    LATE = "late"  #: what the books have is old, and what is said is older
    UNREPORTED = "unreported"  #: money moved, and what is said has no trace of it
    OVERREPORTED = "overreported"  #: more is said than the books ever had


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One fault, of a number or of a debt.
    """

    fault: Fault
    about: str
    detail: str

    def __str__(self) -> str:
        return f"{self.about}: {self.fault}, {self.detail}"


def audit(
    jobs: Sequence[Job],
    trades: Mapping[str, Trade],
    statements: Mapping[str, Statement],
    rejected: Collection[str],
    now: datetime,
    bound: timedelta,
) -> tuple[Finding, ...]:
    """
    Everything that is wrong with the money, or with what is said of it.

    `rejected` has the numbers of the jobs that were refused, with a record of it; where a payout
    stands under the same number, another job was. What has been so for longer than `bound` must be
    said, or be a person's case.
    """
    rejected = set(rejected) - statements.keys()
    asked = {job.number: job for job in jobs}
    booked = {number: trade for number, trade in trades.items() if trade.until(now)}
    found = [
        Finding(Fault.DOUBLE, name, f"{debt.excess_fen} fen more than the {debt.owed_fen} owed")
        for name, debt in debts(jobs, booked, rejected, now).items()
        if debt.excess_fen
    ]
    for number in dict.fromkeys((*asked, *booked, *statements)):
        job, trade, said = asked.get(number), booked.get(number), statements.get(number)
        faults: list[tuple[Fault, str]] = []
        if trade is not None:
            faults += _paid_too_much(job, trade, now)
        if said is not None and job is not None:
            faults += _said_too_much(said, job, trade, now)
            faults += () if said.has_case else _not_said(said, job, trade, now, bound)
        elif said is not None:
            faults.append((Fault.OVERREPORTED, f"{said.status}, and nobody asked for it"))
        elif trade is not None:
            faults.append((Fault.UNREPORTED, "booked, and nothing is said of it"))
        elif number not in rejected:
            faults.append((Fault.LOST, "neither accepted nor rejected"))
        found += [Finding(fault, number, detail) for fault, detail in faults]
    return tuple(found)


def may_be_said(trade: Trade | None, now: datetime) -> frozenset[str]:
    """
    The statuses that claim no more than was true at some time so far.
    """
    if trade is None:
        return _NOT_SENT | _UNSURE | {"failed"}
    shown = {_shows(trade, step) for step in trade.until(now)}
    # What came back was paid before, also where the books have no step for that.
    earlier = {"paid"} if "returned" in shown else set()
    return _NOT_SENT | _UNSURE | trade.told | shown | earlier


def _shows(trade: Trade, step: Step) -> str:
    """
    The status that shows a step.
    """
    if step.status in UNDER_WAY:
        return "processing"
    if step.status is Status.CLOS:
        return "failed"
    is_whole = step.status is Status.REFU and step.refund_fen >= trade.amount_fen
    return "returned" if is_whole else "paid"


def _paid_too_much(job: Job | None, trade: Trade, now: datetime) -> Iterator[tuple[Fault, str]]:
    if trade.debits > 1:
        yield Fault.DOUBLE, f"debited {trade.debits} times"
    if job is None and trade.away_fen(now):
        yield Fault.DOUBLE, "paid, and nobody asked for it"
    if job is not None and trade.amount_fen > job.amount_fen:
        yield Fault.DOUBLE, f"{trade.amount_fen} fen booked, {job.amount_fen} asked for"


def _said_too_much(
    said: Statement, job: Job, trade: Trade | None, now: datetime
) -> Iterator[tuple[Fault, str]]:
    if said.status not in may_be_said(trade, now):
        yield Fault.OVERREPORTED, f"{said.status}, which it never was"
    back = free = 0
    if trade is None:
        free = job.amount_fen
    else:
        steps = trade.until(now)
        back = max(trade.told_back_fen, *(step.refund_fen for step in steps), 0)
        free = max(back, *(trade.back_fen(step) for step in steps))
        free = job.amount_fen if "failed" in trade.told else free
        if said.status == "paid" and trade.amount_fen < job.amount_fen:
            yield Fault.OVERREPORTED, f"paid, and {trade.amount_fen} fen are booked"
    if said.returned_fen > back:
        yield Fault.OVERREPORTED, f"{said.returned_fen} fen returned, {back} in the books"
    freed = said.returned_fen if said.status == "paid" else job.amount_fen
    if said.released and freed > free:
        yield Fault.OVERREPORTED, f"{freed} fen to be paid again, {free} came back"


def _not_said(
    said: Statement, job: Job, trade: Trade | None, now: datetime, bound: timedelta
) -> Iterator[tuple[Fault, str]]:
    if trade is None:
        if said.status in _UNSURE - {"refused"} and now - job.asked_at > bound:
            yield Fault.LATE, f"{said.status}, and not in the books"
        return
    step = trade.until(now)[-1]
    if now - step.at <= bound:
        return
    if said.status != _shows(trade, step):
        fault = Fault.LATE if said.status in _UNSURE else Fault.UNREPORTED
        yield fault, f"{said.status}, {step.status} in the books"
    elif said.returned_fen < step.refund_fen <= trade.amount_fen:
        yield Fault.UNREPORTED, f"{said.returned_fen} fen returned, {step.refund_fen} in the books"

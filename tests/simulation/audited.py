"""
The end of a story: the sandbox's auditor over the jobs, the model's books and what the ledger says.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.factories import NOON
from tests.simulation import books
from tests.simulation.jd import STRANGER, Jd
from worker.demo.audit import rejected, stated
from worker.payouts.invariants import Breach, Invariant
from worker.payouts.model import Order, Payout
from worker.sandbox.auditor import Fault, audit
from worker.sandbox.debts import Job, Trade
from worker.sandbox.trade import Status, Step
from worker.usecases.ports import Ledger

#: Which promise each fault breaks.
PROMISES = {
    Fault.DOUBLE: Invariant.I1_PAID_ONCE,
    Fault.LOST: Invariant.I2_NOTHING_LOST,
    Fault.LATE: Invariant.I8_COMES_TO_REST,
    Fault.UNREPORTED: Invariant.I8_COMES_TO_REST,
    Fault.OVERREPORTED: Invariant.I7_SIGNED_ONLY,
}
_MANY = 1000


def audited(
    ledger: Ledger,
    jd: Jd,
    orders: Sequence[Order],
    healed_at: datetime,
    *,
    forgotten: Collection[str] = (),
    unguarded: Collection[str] = (),
) -> list[Breach]:
    """
    What the auditor finds once everything has come to rest.

    Of a `forgotten` number nothing is known any more; an `unguarded` debt has lost a payout. Of one
    that somebody else used before, or that JD lied about, nothing can be said.
    """
    foreign = {n for n, trade in jd.books.trades.items() if trade.request == STRANGER} | jd.lied
    foreign |= {*forgotten}
    trades = {
        number: _trade(trade, jd.books.debits[number])
        for number, trade in jd.books.trades.items()
        if number not in foreign
    }
    fickle = {number for number, trade in jd.books.trades.items() if trade.is_fickle}
    found = breaches(
        ledger, orders, trades, excused=foreign | fickle, asked_since=healed_at, foreign=foreign
    )
    # A debt about one of whose numbers JD lied, or changed its mind, may be paid more than once.
    about = jd.lied | fickle
    deceived = {order.obligation for order in orders if order.out_trade_no in about}
    deceived |= {*unguarded}
    return [
        b
        for b in found
        if b.out_trade_no not in deceived or b.invariant is not PROMISES[Fault.DOUBLE]
    ]


def breaches(
    ledger: Ledger,
    orders: Iterable[Order],
    trades: Mapping[str, Trade],
    *,
    excused: Collection[str],
    asked_since: datetime,
    foreign: Collection[str] = (),
) -> Iterator[Breach]:
    """
    What the auditor finds, by the promises that are broken.

    What the ledger says of a payout need not be the truth of this moment if a person has its case,
    if it is among `excused`, or if nobody has asked JD since faults healed. Of a `foreign` number
    the job says what is owed, and nothing else.
    """
    jobs = [job for job in noted(ledger, orders) if job.number not in foreign]
    known = {job.number for job in jobs}
    statements = {}
    for row in ledger.payouts(None, _MANY):
        dossier = ledger.dossier(row.id)
        asked = any(e.asked_at and e.asked_at > asked_since for e in dossier.evidence)
        uncertain = bool(dossier.open_cases) or not asked or row.out_trade_no in excused
        if row.out_trade_no in known:
            said = stated(row, has_case=uncertain)
            # What a journal brought back although its debt has no room holds and frees nothing.
            frees = said.released and row.released_at != row.accepted_at
            statements[row.out_trade_no] = replace(said, released=frees)
    found = audit(jobs, trades, statements, rejected(ledger), ledger.now(), timedelta(0))
    for finding in found:
        yield Breach(PROMISES[finding.fault], finding.about, str(finding))


def row_of(ledger: Ledger, number: str) -> Payout | None:
    """
    The payout with a number, whichever merchant's: here no two merchants use the same.
    """
    return next(iter(ledger.numbered(number)), None)


def noted(ledger: Ledger, orders: Iterable[Order]) -> list[Job]:
    """
    The producers' jobs, each with what is owed: those first that were accepted, in that order.

    Where several jobs have one number, it is the one that was accepted, if any was.
    """
    jobs: dict[str, tuple[float, Job]] = {}
    for order in orders:
        row = row_of(ledger, order.out_trade_no)
        taken = row is not None and ledger.order(row.id) == order
        place = row.id if row is not None and taken else float("inf")
        job = Job(order.out_trade_no, order.amount_fen, order.obligation, NOON, order.owed_fen)
        if order.out_trade_no not in jobs or taken:
            jobs[order.out_trade_no] = (place, job)
    first: dict[str, Job] = {}
    in_order = [job for _, job in sorted(jobs.values(), key=lambda found: found[0])]
    for job in in_order:
        first.setdefault(job.obligation, job)
    return [
        job if job.owed_fen is not None else replace(job, owed_fen=_owed(first[job.obligation]))
        for job in in_order
    ]


def _owed(first: Job) -> int:
    return first.amount_fen if first.owed_fen is None else first.owed_fen


def _trade(trade: books.Trade, debits: int) -> Trade:
    def at(seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    steps, back = [], 0
    for step in trade.steps:
        named = step.refund_fen or 0
        back = max(back, named if named <= trade.amount_fen else 0)
        steps.append(Step(at(step.at), Status(step.status.value), back))
    # What JD refused in a signed reply, and booked all the same, may have failed for all we know.
    told = frozenset({"failed"} if trade.denied else ())
    return Trade(trade.amount_fen, steps, debits, told)

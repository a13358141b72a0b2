"""
Jobs in a file: read, and checked by the rules that the worker itself goes by.

What is wrong is told by place and rule, never by quoting: a job holds payee data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.intake import jobs, json_text
from worker.payouts.errors import InvalidJob, UnreadableJobs
from worker.payouts.model import Order
from worker.payouts.policy.obligation import expired, normalized
from worker.payouts.producers import DEFAULT_PRODUCER


@dataclass(frozen=True, slots=True)
class Checked:
    """
    One job of a file: the order that it makes, or its faults.
    """

    index: int
    job: object
    out_trade_no: str | None
    order: Order | None
    faults: tuple[str, ...] = ()


def read(content: bytes) -> list[object]:
    """
    The jobs of a file that holds one, or an array of them. Raises `UnreadableJobs`.
    """
    found = json_text.parse(content)
    listed = found if isinstance(found, list) else [found]
    if not listed:
        raise UnreadableJobs("the array holds no job")
    return listed


def check(
    listed: Sequence[object], now: datetime | None = None, producer: str = DEFAULT_PRODUCER
) -> list[Checked]:
    """
    Validate every job, also against the others of the file.

    `now` is this host's clock: a `send_before` that it has passed is a fault here already. The
    database's clock, which counts, is asked at acceptance. None leaves that to a caller who asks
    the database anyhow.
    """
    checked: list[Checked] = []
    for index, job in enumerate(listed):
        try:
            order = jobs.parse(job, producer)
        except InvalidJob as fault:
            number = jobs.rejection(job, "invalid", fault.faults, "").out_trade_no
            checked.append(Checked(index, job, number, None, fault.faults))
        else:
            late = () if now is None else expired(order.send_before, now)
            faults = (*late, *_clashes(order, checked))
            checked.append(Checked(index, job, order.out_trade_no, order, faults))
    return checked


def _clashes(order: Order, earlier: Sequence[Checked]) -> Iterator[str]:
    name = normalized(order.obligation)
    shares: list[tuple[int, Order]] = []
    for index, other in ((checked.index, checked.order) for checked in earlier):
        if other is None:
            continue
        if other.out_trade_no == order.out_trade_no:
            yield f"out_trade_no: jobs[{index}] has it as well"
        elif normalized(other.obligation) == name:
            shares.append((index, other))
    if not shares:
        return
    index, first = shares[0]
    owed_fen = first.owed_fen or first.amount_fen
    if order.owed_fen not in {None, owed_fen}:
        yield f"owed_fen: jobs[{index}], which pays the same obligation, says otherwise"
    elif sum(other.amount_fen for _, other in shares) + order.amount_fen > owed_fen:
        yield f"obligation: jobs[{index}] pays it as well, and together it is more than is owed"

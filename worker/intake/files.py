"""
Jobs in a file: read, and checked by the rules that the worker itself goes by.

What is wrong is told by place and rule, never by quoting: a job holds payee data.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.intake import jobs
from worker.payouts.errors import InvalidJob, UnreadableJobs
from worker.payouts.model import Order
from worker.payouts.policy.obligation import expired, normalized


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


def parse(content: bytes) -> object:
    """
    The one JSON value that some bytes are; each key of its objects is there once, or it raises.

    Raises `UnreadableJobs`, which says where.
    """
    try:
        return json.loads(content, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise UnreadableJobs(f"this is not JSON: {fault.msg} at {place}") from None
    except UnicodeDecodeError as fault:
        raise UnreadableJobs(f"this is not UTF-8 text, from byte {fault.start + 1} on") from None
    except RecursionError:
        raise UnreadableJobs("this JSON is nested too deeply to hold jobs") from None
    except ValueError:
        raise UnreadableJobs("a number in it has more digits than any amount") from None


def read(content: bytes) -> list[object]:
    """
    The jobs of a file that holds one, or an array of them. Raises `UnreadableJobs`.
    """
    found = parse(content)
    listed = found if isinstance(found, list) else [found]
    if not listed:
        raise UnreadableJobs("the array holds no job")
    return listed


def check(listed: Sequence[object], now: datetime | None = None) -> list[Checked]:
    """
    Validate every job, also against the others of the file.

    `now` is this host's clock: a `send_before` that it has passed is a fault here already. The
    database's clock, which counts, is asked at acceptance. None leaves that to a caller who asks
    the database anyhow.
    """
    checked: list[Checked] = []
    for index, job in enumerate(listed):
        try:
            order = jobs.parse(job)
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


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        # Which of the two would count is nothing to guess about where money is concerned.
        raise UnreadableJobs("an object has the same key twice")
    return made


def _no_constant(_name: str) -> object:
    raise UnreadableJobs("NaN and Infinity are no JSON")

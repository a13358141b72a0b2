"""
What a trade may do, and when: the vocabulary of the scenarios. Pure.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


class Status(enum.StrEnum):
    """
    The values of `trade_status` that this gateway uses.
    """

    WPAR = "WPAR"  #: waiting for the bank
    FINI = "FINI"  #: paid
    CLOS = "CLOS"  #: closed, not paid
    REFU = "REFU"  #: 退票: returned after it was paid


@dataclass(frozen=True, slots=True)
class Cause:
    """
    Why a trade was closed: `trade_respcode` and `trade_respmsg`.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Course:
    """
    What becomes of a booked trade: paid unless closed, then perhaps returned.
    """

    at_once: bool = False  #: already decided in the reply
    closed: Cause | None = None
    returned_percent: int = 0


class Intake(enum.Enum):
    """
    Whether a well-formed order gets into the books.
    """

    BOOKED = enum.auto()
    MISSED_ONCE = enum.auto()  #: the first transmission is not booked, any later one is
    REFUSED = enum.auto()  #: never booked, since the payee's card is refused
    ASTRAY = enum.auto()  #: accepted in words, but never reaches the database


class Fault(enum.Enum):
    """
    What befalls the reply to the first transmission.
    """

    CUT = enum.auto()  #: the connection is closed without a byte
    HELD = enum.auto()  #: the connection stays open and silent
    BAD_GATEWAY = enum.auto()  #: HTTP 502 with a page
    HTML_PAGE = enum.auto()  #: HTTP 200 with a page
    CUT_JSON = enum.auto()  #: HTTP 200 with half of the reply
    SYSTEM_ERROR = enum.auto()  #: signed, SYSTEM_ERROR
    UNLISTED_CODE = enum.auto()  #: signed, a code that is in no table
    BAD_SIGNATURE = enum.auto()  #: the right reply with a wrong signature


class Notices(enum.Enum):
    """
    How a trade's notifications go out.
    """

    NORMAL = enum.auto()
    NONE = enum.auto()
    TRIPLED = enum.auto()  #: each three times, and on and on whatever is answered
    RETURN_FIRST = enum.auto()  #: that of the success comes after that of the return
    RETURN_SILENT = enum.auto()  #: that of the return never comes
    FORGED_FIRST = enum.auto()  #: before the real one, a false one claims CLOS


@dataclass(frozen=True, slots=True)
class Timing:
    """
    How long things take.
    """

    pay_after: timedelta = timedelta(seconds=2)
    return_after: timedelta = timedelta(seconds=4)  #: counted from the payment
    hang: timedelta = timedelta(seconds=60)
    #: Counted from the moment at which the trade became final.
    notify_at: tuple[timedelta, ...] = tuple(timedelta(minutes=m) for m in (0, 1, 3, 10, 120))


@dataclass(frozen=True, slots=True)
class Step:
    """
    One status that a trade takes, and when. `refund_fen` is what had come back by then.
    """

    at: datetime
    status: Status
    refund_fen: int = 0
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One notification to be sent: the step that it reports, and when it is due.
    """

    at: datetime
    step: Step
    forged: bool = False
    #: Sent even if this status was acknowledged already.
    insistent: bool = False


def timeline(course: Course, amount_fen: int, booked_at: datetime, timing: Timing) -> list[Step]:
    """
    All the steps of a trade, from the one that the reply reports.
    """
    steps = [] if course.at_once else [Step(booked_at, Status.WPAR)]
    decided_at = booked_at if course.at_once else booked_at + timing.pay_after
    if course.closed:
        return [*steps, Step(decided_at, Status.CLOS, cause=course.closed)]
    steps.append(Step(decided_at, Status.FINI))
    if course.returned_percent:
        refund_fen = max(1, amount_fen * course.returned_percent // 100)
        steps.append(Step(decided_at + timing.return_after, Status.REFU, refund_fen))
    return steps


def notices(style: Notices, steps: Sequence[Step], timing: Timing) -> list[Notice]:
    """
    All notifications of a trade, in the order in which they go out.
    """
    ends = [step for step in steps if step.status is not Status.WPAR]
    match style:
        case Notices.NONE:
            return []
        case Notices.NORMAL:
            return list(_series(ends, timing))
        case Notices.TRIPLED:
            return [
                replace(notice, insistent=True)
                for notice in _series(ends, timing)
                for _ in range(3)
            ]
        case Notices.RETURN_SILENT:
            return [n for n in _series(ends, timing) if n.step.status is not Status.REFU]
        case Notices.RETURN_FIRST:
            last = ends[-1]
            late = [Notice(last.at + delay, step) for delay in timing.notify_at for step in ends]
            return sorted(late, key=lambda n: (n.at, n.step is not last))
        case Notices.FORGED_FIRST:
            false = Step(ends[0].at, Status.CLOS)
            return [Notice(false.at, false, forged=True), *_series(ends, timing)]


def _series(ends: Sequence[Step], timing: Timing) -> Iterator[Notice]:
    """
    Each end at all its times, until the next end takes over.
    """
    for step, successor in zip(ends, [*ends[1:], None], strict=True):
        for delay in timing.notify_at:
            at = step.at + delay
            if successor is None or at < successor.at:
                yield Notice(at, step)

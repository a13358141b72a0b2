"""
When a trade takes its steps, and when each is notified. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from worker.sandbox.behaviour import Course, Notice, Notices, Status, Step, Timing


def timeline(course: Course, amount_fen: int, booked_at: datetime, timing: Timing) -> list[Step]:
    """
    All the steps of a trade, from the one that the reply reports.
    """
    steps = [] if course.at_once else [Step(booked_at, Status.WPAR)]
    decided_at = booked_at if course.at_once else booked_at + timing.pay_after
    if course.closed:
        return [*steps, Step(decided_at, Status.CLOS, cause=course.closed)]
    steps.append(Step(decided_at, Status.FINI))
    # One fen has no half: it stays paid, since a return of it would be a whole one.
    if refund_fen := amount_fen * course.returned_percent // 100:
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
            at = step.at + timing.notice_takes + delay
            if successor is None or at < successor.at:
                yield Notice(at, step)

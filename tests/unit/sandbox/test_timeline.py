"""
What trades do, and what is told of them: no clock, no threads.
"""

from datetime import UTC, datetime, timedelta

import pytest

from worker.sandbox.behaviour import (
    Cause,
    Course,
    Notices,
    Status,
    Timing,
)
from worker.sandbox.timeline import notices, timeline

START = datetime(2024, 1, 5, 1, 30, tzinfo=UTC)
TIMING = Timing(
    pay_after=timedelta(seconds=2),
    return_after=timedelta(seconds=4),
    notify_at=tuple(timedelta(seconds=s) for s in (0, 1, 3, 6, 12)),
)
CAUSE = Cause("BAC2000006", "账号不存在")


def seconds(moment: datetime) -> float:
    """
    A moment, counted from the booking.
    """
    return (moment - START).total_seconds()


@pytest.mark.parametrize(
    ("course", "amount_fen", "expected"),
    [
        (Course(), 100, [(0, "WPAR", 0), (2, "FINI", 0)]),
        (Course(at_once=True), 100, [(0, "FINI", 0)]),
        (Course(closed=CAUSE), 100, [(0, "WPAR", 0), (2, "CLOS", 0)]),
        (Course(returned_percent=100), 101, [(0, "WPAR", 0), (2, "FINI", 0), (6, "REFU", 101)]),
        (Course(returned_percent=50), 101, [(0, "WPAR", 0), (2, "FINI", 0), (6, "REFU", 50)]),
        (Course(returned_percent=50), 3, [(0, "WPAR", 0), (2, "FINI", 0), (6, "REFU", 1)]),
        (Course(returned_percent=50), 2, [(0, "WPAR", 0), (2, "FINI", 0), (6, "REFU", 1)]),
        # One fen cannot come back in part: it stays paid.
        (Course(returned_percent=50), 1, [(0, "WPAR", 0), (2, "FINI", 0)]),
        (Course(returned_percent=100), 1, [(0, "WPAR", 0), (2, "FINI", 0), (6, "REFU", 1)]),
    ],
)
def test_timelines(course: Course, amount_fen: int, expected: list[tuple[float, str, int]]) -> None:
    """
    A trade takes its steps at their times, with the amount that came back.
    """
    steps = timeline(course, amount_fen, START, TIMING)

    assert [(seconds(s.at), s.status.value, s.refund_fen) for s in steps] == expected


def told(style: Notices, course: Course) -> list[tuple[float, str]]:
    """
    When which status is notified; a forged one has a question mark.
    """
    planned = notices(style, timeline(course, 100, START, TIMING), TIMING)
    return [(seconds(n.at), n.step.status + "?" * n.forged) for n in planned]


RETURNED = Course(returned_percent=100)


@pytest.mark.parametrize(
    ("style", "course", "expected"),
    [
        (
            Notices.NORMAL,
            Course(),
            [(2, "FINI"), (3, "FINI"), (5, "FINI"), (8, "FINI"), (14, "FINI")],
        ),
        (
            Notices.NORMAL,
            Course(closed=CAUSE),
            [(2, "CLOS"), (3, "CLOS"), (5, "CLOS"), (8, "CLOS"), (14, "CLOS")],
        ),
        # The return takes over from the success and starts anew.
        (
            Notices.NORMAL,
            RETURNED,
            [
                *[(2, "FINI"), (3, "FINI"), (5, "FINI")],
                *[(6, "REFU"), (7, "REFU"), (9, "REFU"), (12, "REFU"), (18, "REFU")],
            ],
        ),
        (Notices.RETURN_SILENT, RETURNED, [(2, "FINI"), (3, "FINI"), (5, "FINI")]),
        (Notices.NONE, RETURNED, []),
        (
            Notices.FORGED_FIRST,
            Course(),
            [(2, "CLOS?"), (2, "FINI"), (3, "FINI"), (5, "FINI"), (8, "FINI"), (14, "FINI")],
        ),
    ],
)
def test_notices(style: Notices, course: Course, expected: list[tuple[float, str]]) -> None:
    """
    A trade's final statuses are told at their times, in the style of its scenario.
    """
    assert told(style, course) == expected


def test_reordered_notices() -> None:
    """
    The success is told only after the return was.
    """
    planned = told(Notices.RETURN_FIRST, RETURNED)

    assert planned[:4] == [(6, "REFU"), (6, "FINI"), (7, "REFU"), (7, "FINI")]
    assert len(planned) == 10


def test_tripled_notices() -> None:
    """
    Every notification comes three times and does not care for an answer.
    """
    planned = notices(Notices.TRIPLED, timeline(Course(), 100, START, TIMING), TIMING)

    assert [seconds(n.at) for n in planned] == [2, 2, 2, 3, 3, 3, 5, 5, 5, 8, 8, 8, 14, 14, 14]
    assert all(n.insistent and n.step.status is Status.FINI for n in planned)

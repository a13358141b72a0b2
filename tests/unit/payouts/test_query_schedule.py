"""
The schedule of follow-up queries.
"""

from datetime import timedelta

import pytest

from tests.factories import NOON, at
from worker.payouts.query_schedule import Schedule, Stretch, doubled, parse_tail

SCHEDULE = Schedule()


def hours(count: float) -> float:
    """
    So many hours, in minutes.
    """
    return count * 60


def days(count: float) -> float:
    """
    So many days, in minutes.
    """
    return hours(24 * count)


@pytest.mark.parametrize(
    ("answered", "due"),
    [
        (None, 1),  # nobody answered yet: the first step, however late it is
        (0.5, 1),  # an answer before the first step does not replace it
        (1, 3),  # the ladder of JD's own notifications
        (1.1, 3),  # a query is asked a little after it was due
        (3, 10),
        (10, 120),
        (119, 120),
        (120, 120 + 60),  # the tail begins after its last step: hourly
        (180, 240),
        (120 + days(1), 120 + days(1) + hours(6)),  # then six-hourly for a week
        (120 + days(8), 120 + days(9)),  # then daily for a month
        (120 + days(38), 120 + days(45)),  # then weekly
        (120 + days(45) + 1, 120 + days(52)),
        (120 + days(38 + 7 * 100), 120 + days(38 + 7 * 101)),  # and it never ends
    ],
)
def test_the_next_question_is_the_first_step_after_the_last_answer(
    answered: float | None, due: float
) -> None:
    """
    Each step of the ladder and of the tail has its turn, in minutes after the transmission.
    """
    answered_at = None if answered is None else at(answered)

    assert at(due) == SCHEDULE.after_transmission(NOON, answered_at)


def test_a_worker_that_was_away_asks_once() -> None:
    """
    Steps that passed while nobody asked are not made up for.
    """
    came_back = 187

    assert at(1) == SCHEDULE.after_transmission(NOON, None)
    assert at(240) == SCHEDULE.after_transmission(NOON, at(came_back))


def test_every_answer_moves_the_question_on() -> None:
    """
    From any answer the next question lies later, so answers cannot make a loop.
    """
    asked = NOON
    for _ in range(200):
        due = SCHEDULE.after_transmission(NOON, asked)

        assert due > asked
        asked = due


@pytest.mark.parametrize(
    ("answered", "due"),
    [
        (None, 1),  # in days after success
        (0, 1),
        (1, 2),
        (2.5, 3),
        (3, 7),
        (7, 15),
        (29, 30),
        (30, None),  # the watch is over
        (31, None),
    ],
)
def test_a_paid_payout_is_watched_for_a_month(answered: float | None, due: float | None) -> None:
    """
    A return whose notification was lost is found at 1, 2, 3, 7, 15 or 30 days.
    """
    answered_at = None if answered is None else at(days=answered)
    expected = None if due is None else at(days=due)

    assert expected == SCHEDULE.after_success(NOON, answered_at)


def test_patience_is_the_bounded_part() -> None:
    """
    Two hours, a day, a week and a month, and then a case.
    """
    assert timedelta(hours=2, days=38) == SCHEDULE.patience


@pytest.mark.parametrize(
    ("misses", "seconds"),
    [(0, 30), (1, 60), (2, 120), (4, 480), (5, 600), (6, 600), (10_000, 600)],
)
def test_a_question_without_an_answer_is_repeated(misses: int, seconds: int) -> None:
    """
    After 30 seconds, doubling up to ten minutes, however often.
    """
    assert timedelta(seconds=seconds) == SCHEDULE.retry(misses)


def test_doubling_stops_at_the_longest() -> None:
    """
    A first wait that is over the limit is cut to it.
    """
    assert timedelta(seconds=3) == doubled(timedelta(seconds=5), timedelta(seconds=3), 0)


def test_a_tail_is_read_as_stretches() -> None:
    """
    ``1h/1d`` is hourly for a day, and the last one has no end.
    """
    expected = (
        Stretch(timedelta(hours=1), timedelta(days=1)),
        Stretch(timedelta(days=7)),
    )

    assert expected == parse_tail("1h/1d,7d")


@pytest.mark.parametrize(
    "text",
    [
        "1h/1d",  # asking would end in silence
        "1h,7d",  # the second could never begin
        "0s",  # asking would never stop
        "0s/1d,7d",
        "1h/,7d",
        "",
    ],
)
def test_a_tail_that_ends_or_stands_still_is_refused(text: str) -> None:
    """
    Only the last stretch is endless, and every interval is longer than zero.
    """
    with pytest.raises(ValueError, match=r"stretch|longer than zero|is not a duration"):
        parse_tail(text)

"""
A pace: so many in so much time, whatever the moments at which they are asked for.
"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOON
from worker.payouts.pace import Pace, parse_pace

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "every", "burst"),
    [
        ("10/s", timedelta(milliseconds=100), 10),
        ("1/s", SECOND, 1),
        ("300/m", timedelta(milliseconds=200), 5),
        ("30/m", timedelta(seconds=2), 1),
        ("1000/h", timedelta(seconds=3.6), 1),
    ],
)
def test_a_pace_is_read_and_written(text: str, every: timedelta, burst: int) -> None:
    """
    A second's worth may go out at once, or one.
    """
    pace = parse_pace(text)

    assert (pace.every, pace.burst, str(pace)) == (every, burst, text)


@pytest.mark.parametrize("text", ["", "10", "0/s", "-1/s", "1.5/s", "10/d", "10 / s", "9999999/s"])
def test_what_is_no_pace_is_refused(text: str) -> None:
    """
    Without a unit, of nothing, or faster than a database can tell.
    """
    with pytest.raises(ValueError, match="pace"):
        parse_pace(text)


def test_a_bucket_empties_and_fills() -> None:
    """
    Ten at once; then none, one after a tenth of a second, and ten again after a second.
    """
    pace = Pace(10)
    full_at = pace.spend(10, None, NOON)

    assert pace.left(None, NOON) == 10
    after = [0, 0.099, 0.1, 0.55, 1, 60]
    left = [pace.left(full_at, NOON + timedelta(seconds=seconds)) for seconds in after]
    assert left == [0, 0, 1, 5, 10, 10]


def test_a_wait_ends_with_a_quarter_of_the_bucket() -> None:
    """
    So that claims do not come one by one; at a slow pace it ends with the next token.
    """
    pace = Pace(20)
    assert pace.wait(pace.spend(20, None, NOON), NOON) == timedelta(milliseconds=250)
    assert pace.wait(None, NOON) == timedelta(0)

    slow = Pace(6, timedelta(minutes=1))
    assert slow.wait(slow.spend(1, None, NOON), NOON) == timedelta(seconds=10)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(seconds=1, microseconds=1)])
def test_a_clock_that_was_ahead_stops_nothing(ahead: timedelta) -> None:
    """
    No spending could have led to that moment: it was written by another clock, or another pace.
    """
    assert Pace(10).left(NOON + ahead, NOON) == 10


@given(
    pace=st.builds(
        Pace, st.integers(1, 50), st.sampled_from([SECOND, 60 * SECOND, timedelta(hours=1)])
    ),
    asked=st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 60)), max_size=60),
)
def test_never_more_than_the_pace(pace: Pace, asked: list[tuple[int, int]]) -> None:
    """
    In no stretch of time do more go out than fit into it, and one bucket more.
    """
    now, full_at = NOON, None
    gone = []
    for milliseconds, wanted in asked:
        now += timedelta(milliseconds=milliseconds)
        taken = min(wanted, pace.left(full_at, now))
        full_at = pace.spend(taken, full_at, now)
        gone += [now] * taken

    for first, began in enumerate(gone):
        for last, ended in enumerate(gone[first:], first):
            assert last - first + 1 <= pace.burst + (ended - began) / pace.every + 1e-6

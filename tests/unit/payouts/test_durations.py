"""
Durations as settings write them.
"""

from datetime import timedelta

import pytest

from worker.payouts.durations import parse_duration, parse_durations


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("3m", timedelta(minutes=3)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("0.5s", timedelta(milliseconds=500)),
        (" 10m ", timedelta(minutes=10)),
    ],
)
def test_a_number_with_its_unit_is_a_duration(text: str, duration: timedelta) -> None:
    """
    Seconds, minutes, hours and days are read, fractions too.
    """
    assert duration == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "90",  # of what?
        "",
        "m",
        "-1m",
        "1 m",
        "1M",  # a month, a minute or a million
        "1w",
        "1.m",
        "१m",
        "999999999999d",  # more than Python can hold
        "9" * 400 + "s",  # infinite, to a float
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """
    What could be misread is a fault of the setting, not a guess.
    """
    with pytest.raises(ValueError):  # noqa: PT011 (the kind is what settings turn into a fault)
        parse_duration(text)


def test_steps_are_read_in_order() -> None:
    """
    A ladder is durations with commas between.
    """
    minutes = (1, 3, 10, 120)

    assert tuple(timedelta(minutes=m) for m in minutes) == parse_durations("1m,3m,10m,120m")


@pytest.mark.parametrize("text", ["3m,1m", "1m,1m", "1m,60s", "1m,", ""])
def test_steps_that_do_not_rise_are_refused(text: str) -> None:
    """
    Each step lies after the one before.
    """
    with pytest.raises(ValueError, match=r"must rise|is not a duration"):
        parse_durations(text)

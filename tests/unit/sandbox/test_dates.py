"""
JD's date forms, against dates that JD once wrote.
"""

from datetime import UTC, datetime

import pytest

from worker.sandbox.dates import compact, java, read_compact, scrambled


def test_java_form() -> None:
    """
    A trade's dates are in Java's form and in Beijing time.
    """
    assert java(datetime(2017, 2, 27, 7, 3, 13, tzinfo=UTC)) == "Mon Feb 27 15:03:13 CST 2017"


def test_scrambled_form() -> None:
    """
    A notification's date has minutes for its month and no seconds.
    """
    assert scrambled(datetime(2017, 7, 21, 2, 23, 59, 908_000, tzinfo=UTC)) == (
        "20172321T102407908"
    )


def test_compact_form_there_and_back() -> None:
    """
    A request's date is read as Beijing time and written as such.
    """
    moment = read_compact("20240105T093000")

    assert moment == datetime(2024, 1, 5, 1, 30, tzinfo=UTC)
    assert compact(moment.astimezone(UTC)) == "20240105T093000"


def test_compact_form_without_its_letter() -> None:
    """
    A date without its T is the same date.
    """
    assert read_compact("20240105093000") == read_compact("20240105T093000")


@pytest.mark.parametrize("text", ["20243005T093000", "20240105T", "20240105T0930000"])
def test_wrong_compact_form(text: str) -> None:
    """
    What is no date is refused.
    """
    with pytest.raises(ValueError, match=r"does not match|unconverted"):
        read_compact(text)

"""
How many there are, where some are not shown.
"""

from worker.cli.newest import total


def test_all_that_there_are_need_not_be_counted() -> None:
    """
    Fewer than were asked for are all there are: a large table is not counted for that.
    """

    def count() -> int:
        raise AssertionError("counted")

    assert total(49, 50, count) == 49


def test_a_full_page_is_counted() -> None:
    """
    There may be more, and never fewer than are shown, though some went between the two looks.
    """
    assert total(50, 50, lambda: 532) == 532
    assert total(50, 50, lambda: 48) == 50

"""
Tables in windows of every width.
"""

import pytest
from rich.console import Console

from worker.views.tables import Column, FittedTable

NUMBERS = [f"{'N' * 31}{last}" for last in "0123"]
COLUMNS = (
    Column("id", gives_way=2),
    Column("number"),
    Column("status"),
    Column("yuan"),
    Column("when", gives_way=1),
    Column("why", folds=10),
)
ROWS = [
    (place, number, "processing", "9,999,999,999.99", "2026-03-02 12:00:00Z", "the bank is slow")
    for place, number in enumerate(NUMBERS)
]


def drawn(width: int, columns: tuple[Column, ...] = COLUMNS) -> list[str]:
    """
    The lines of the table in a window of that width.
    """
    console = Console(width=width, color_system=None)
    rows = [row[: len(columns)] for row in ROWS]
    with console.capture() as printed:
        console.print(FittedTable(columns, rows))
    return [line.rstrip() for line in printed.get().splitlines()]


@pytest.mark.parametrize("width", [200, 120, 100, 80, 70, 60, 40, 32])
def test_what_must_be_whole_is_whole_in_every_window(width: int) -> None:
    """
    Each number, status and amount is on one line, and no line is longer than the window.
    """
    lines = drawn(width)

    assert max(map(len, lines)) <= width
    for number in NUMBERS:
        assert sum(number in line.split() for line in lines) == 1
    for word in ("processing", "9,999,999,999.99"):
        assert sum(word in line.split() for line in lines) == len(NUMBERS)


def test_a_wide_window_shows_all() -> None:
    """
    Nothing gives way without need.
    """
    heading, first, *_ = drawn(200)

    assert heading.split() == ["id", "number", "status", "yuan", "when", "why"]
    assert first.endswith("2026-03-02 12:00:00Z  the bank is slow")


def test_the_least_needed_goes_first_and_is_named() -> None:
    """
    At 98 columns the id has no room, at 80 the time has none either; texts are folded before.
    """
    assert drawn(98)[0].split() == ["number", "status", "yuan", "when", "why"]
    assert drawn(98)[-1] == "no room for: id (--json has all)"
    assert drawn(80)[0].split() == ["number", "status", "yuan", "why"]
    assert drawn(80)[-1] == "no room for: id, when (--json has all)"


def test_an_empty_column_goes_first_and_silently() -> None:
    """
    It takes the room of its heading alone, and is missed by nobody.
    """
    columns = (Column("number"), Column("closed", gives_way=1), Column("when", gives_way=2))
    console = Console(width=25, color_system=None)
    with console.capture() as printed:
        console.print(FittedTable(columns, [("P-1", None, "2026-03-02 12:00Z")]))

    heading, row = printed.get().splitlines()

    assert (heading.split(), row.split()[0]) == (["number", "when"], "P-1")


def test_a_text_is_folded_between_words() -> None:
    """
    Before a column is left out, what can be folded is.
    """
    columns = (Column("number"), Column("status"), Column("yuan"), Column("why", folds=10))
    console = Console(width=76, color_system=None)
    with console.capture() as printed:
        console.print(FittedTable(columns, [("N" * 32, "paid", "1.00", "the bank is slow " * 3)]))

    lines = printed.get().splitlines()

    assert len(lines) > 2
    assert {word for line in lines[2:] for word in line.split()} <= {"the", "bank", "is", "slow"}


def test_a_window_for_no_column_beside_another_has_lines() -> None:
    """
    A row then takes several lines, broken between cells; what follows the first is indented.
    """
    lines = drawn(40, COLUMNS[:4])

    assert lines[:2] == [NUMBERS[0], "  processing  9,999,999,999.99"]


def test_wide_characters_count_twice() -> None:
    """
    A Chinese reason is as wide as it is drawn.
    """
    console = Console(width=20, color_system=None)
    with console.capture() as printed:
        console.print(FittedTable((Column("a"), Column("b")), [("余额不足", "12345678")]))

    assert printed.get().splitlines()[1].rstrip() == "余额不足  12345678"

"""
Tables that give way to a narrow terminal, and never cut what a column must show whole.

Where the room is short, columns that are needed least are left out, and texts are folded between
words. Where even that is not enough, each row is written over several lines, cell after cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from worker.views.formats import cell

_GAP = 2
#: Words longer than this may be broken: a column cannot grow without end.
_LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column: whole cells in one line each, unless it folds.
    """

    heading: str
    #: Where the room is short the column with the highest figure is left out first; 0 never is.
    gives_way: int = 0
    #: The fewest characters that the column may be folded to, between words; 0 for one that is
    #: never folded.
    folds: int = 0

    def narrowest(self, texts: Sequence[Text]) -> int:
        """
        The fewest characters in which these cells can be shown.
        """
        if not self.folds:
            return _widest(texts)
        words = [len_ for text in texts for len_ in map(_length, text.plain.split())]
        longest = min(max(words, default=0), _LONGEST_WORD)
        return max(longest, _length(self.heading), min(_widest(texts), self.folds))


class FittedTable:
    """
    A table for whatever room there is.
    """

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Sequence[object]], title: str = ""
    ) -> None:
        self._columns = columns
        self._title = title
        self._rows = [[_text(value) for value in row] for row in rows]
        self._cells = [
            [Text(column.heading), *(row[place] for row in self._rows)]
            for place, column in enumerate(columns)
        ]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width
        kept = self._kept(room)
        if self._title:
            yield Text(self._title, style="italic")
        if self._least(kept) <= room:
            yield self._table(kept, room)
        else:
            for row in self._rows:
                yield from _lines([row[place] for place in kept], room)
        gone = [place for place in range(len(self._columns)) if place not in kept]
        left_out = [self._columns[place].heading for place in gone if not self._is_empty(place)]
        if left_out:
            yield Text(f"no room for: {', '.join(left_out)} (--json has all)", style="dim")

    def _kept(self, room: int) -> list[int]:
        kept = list(range(len(self._columns)))
        may_go = [place for place in kept if self._columns[place].gives_way]
        # What holds nothing is missed by nobody.
        may_go.sort(key=lambda place: (not self._is_empty(place), -self._columns[place].gives_way))
        for place in may_go:
            if self._least(kept) <= room:
                break
            kept.remove(place)
        return kept

    def _is_empty(self, place: int) -> bool:
        return not any(row[place] for row in self._rows)

    def _least(self, kept: Sequence[int]) -> int:
        narrowest = (self._columns[place].narrowest(self._cells[place]) for place in kept)
        return sum(narrowest) + _GAP * (len(kept) - 1)

    def _table(self, kept: Sequence[int], room: int) -> Table:
        least = [self._columns[place].narrowest(self._cells[place]) for place in kept]
        most = [_widest(self._cells[place]) for place in kept]
        drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for place, width in zip(kept, _widths(least, most, room), strict=True):
            column = self._columns[place]
            drawn.add_column(column.heading, width=width, no_wrap=not column.folds)
        for row in self._rows:
            drawn.add_row(*(row[place] for place in kept))
        return drawn


def _widths(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """
    Share the room that is left among the columns that want more, those that want least first.
    """
    widths = list(least)
    spare = room - sum(least) - _GAP * (len(least) - 1)
    hungry = sorted(
        (want - width, place) for place, (width, want) in enumerate(zip(least, most, strict=True))
    )
    for rank, (lack, place) in enumerate(hungry):
        given = min(lack, spare // (len(hungry) - rank))
        widths[place] += given
        spare -= given
    return widths


def _lines(cells: Sequence[Text], room: int) -> Iterator[Text]:
    """
    A row as lines, broken between cells; only a cell that is longer than a line is folded.
    """
    line = Text()
    for text in filter(None, cells):
        if line and line.cell_len + _GAP + text.cell_len > room:
            yield line
            line = Text("  ")
        elif line:
            line.append(" " * _GAP)
        line.append_text(text)
    yield line


def _text(value: object) -> Text:
    return value if isinstance(value, Text) else Text(cell(value))


def _length(word: str) -> int:
    return Text(word).cell_len


def _widest(texts: Sequence[Text]) -> int:
    lines = (line for text in texts for line in text.plain.split("\n"))
    return max(map(_length, lines), default=0)

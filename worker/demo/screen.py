"""
The demo as people see it: a live table with a progress bar, then the audit.
"""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from worker.demo.audit import Audit
from worker.demo.story import Result
from worker.views.tables import Column, FittedTable

#: What a payout became is the last thing to give way, after its number.
_COLUMNS = (
    Column("scenario", gives_way=1),
    Column("payout"),
    Column("expected", gives_way=2, folds=16),
    Column("reached", folds=16),
    Column("learnt from", gives_way=3),
)


class Screen:
    """
    Shows the payouts while they move; a context manager, to be called with every state.

    On a terminal the table is redrawn in place; elsewhere each payout that arrives is one line.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("payouts at their documented end"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("payouts", total=None)
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._told: set[str] = set()

    def __call__(self, results: Sequence[Result]) -> None:
        """
        Show where each payout is.
        """
        reached = [result for result in results if result.is_reached]
        self._progress.update(self._task, total=len(results), completed=len(reached))
        if self._console.is_terminal:
            self._live.update(Group(table(results), self._progress))
            return
        for result in reached:
            if result.out_trade_no not in self._told:
                self._told.add(result.out_trade_no)
                count = f"[{len(self._told)}/{len(results)}]"
                end = _end(result.status, result.case)
                self._console.print(count, f"{result.scenario}: {end}", markup=False)

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def table(results: Sequence[Result]) -> FittedTable:
    """
    The results, one payout a row.
    """
    rows = [
        (
            result.scenario,
            result.out_trade_no,
            _end(result.expected, result.expected_case),
            Text(
                _end(result.status, result.case),
                style="green" if result.is_reached else "yellow",
            ),
            result.learnt_from or "-",
        )
        for result in results
    ]
    return FittedTable(_COLUMNS, rows)


def verdict(found: Audit) -> Text:
    """
    The audit in words.
    """
    text = Text()
    text.append("audit ", style="bold")
    text.append("passed" if found.ok else "FAILED", style="bold green" if found.ok else "bold red")
    text.append(
        f": {found.debits} debits in the sandbox's books, {found.duplicates} numbers paid twice,"
        f" {found.missing} payouts unaccounted for"
    )
    for fault in found.faults:
        text.append(f"\n  {fault}", style="red")
    return text


def _end(status: str, case: str | None) -> str:
    return f"{status} (case {case})" if case else status

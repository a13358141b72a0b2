"""
How a command answers: a page, printed for people or as one JSON document.
"""

import functools
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
from rich.console import Console, RenderableType

from worker.cli.faults import FAULTS, document, explain
from worker.views.tables import Column, FittedTable

#: Where there is no terminal to fit into, as in a pipe.
_PIPE_WIDTH = 200
#: Characters that a column of text keeps where the room is short.
_FOLDED = 16


@dataclass(frozen=True, slots=True)
class Page:
    """
    What a command found: the same for machines and for people.

    A string is printed as it is, everything else is laid out to fit the terminal. `failure` goes
    to standard error and makes the exit code 1.
    """

    document: dict[str, object]
    body: RenderableType = ""
    failure: str | None = None


def answering(command: Callable[..., Page]) -> Callable[..., None]:
    """
    Give a command `--json`, print its page, and turn named errors into one line and exit code 1.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
    @functools.wraps(command)
    def run(*, as_json: bool, **options: object) -> None:
        try:
            page = command(**options)
        except FAULTS as fault:
            page = Page(document(fault), failure=explain(fault))
        if as_json:
            click.echo(json.dumps(page.document, ensure_ascii=False))
        elif page.body != "":
            _print(page.body)
        if page.failure is not None:
            raise click.ClickException(page.failure)

    return run


def note(message: str) -> None:
    """
    Tell people something without touching standard output.
    """
    click.echo(message, err=True)


def table(
    columns: Sequence[Column | str], rows: Sequence[Sequence[object]], *, title: str = ""
) -> RenderableType:
    """
    A table, or the word "none"; a None in it is shown as nothing, times in UTC.

    A column that is given by its heading alone is folded where the room is short.
    """
    if not rows:
        return "none"
    made = [Column(c, folds=_FOLDED) if isinstance(c, str) else c for c in columns]
    return FittedTable(made, rows, title)


def _print(body: RenderableType) -> None:
    if isinstance(body, str):
        click.echo(body)
        return
    # Nothing that is shown is markup: a reason may hold square brackets.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False).print(body)

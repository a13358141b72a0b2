"""
The newest of something: how many are asked for, how many are shown, and how many there are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from worker.cli.output import table
from worker.views.formats import counted
from worker.views.tables import Column


def limit(default: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """
    Give a command `--limit`.
    """
    return click.option(
        "--limit",
        type=click.IntRange(1, 10_000),
        default=default,
        show_default=True,
        help="At most.",
    )


def total(shown: int, limit: int, count: Callable[[], int]) -> int:
    """
    How many there are; they are counted only where some may not be shown.
    """
    # Some may have gone between the two looks, so the count may be the smaller figure.
    return shown if shown < limit else max(shown, count())


def page(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], total: int, noun: str
) -> RenderableType:
    """
    A table of the newest, and below it how many there are; the noun is that of one.
    """
    if not rows:
        return "none"
    told = f"{counted(total, noun)}, newest first"
    if len(rows) < total:
        told = f"{len(rows)} of {told}; --limit shows more"
    return Group(table(columns, rows), Text(f"\n{told}"))

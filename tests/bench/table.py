"""
A document as tables for people.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text


def tables(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """
    The whole document: where and when, then a table for each benchmark.
    """
    machine, load = document["machine"], document["load_average"]
    against = f" beside {document['against']}" if document["against"] else ""
    yield Text(
        f"commit {document['commit']}{against}, {document['at']}, {document['seconds']:.0f} s\n"
        f"{machine['cores']} cores, {machine['processor']}, {machine['memory_mb']} MB,"
        f" {machine['system']}, Python {machine['python']}\n"
        f"load average {_load(load['before'])} before, {_load(load['after'])} after\n"
    )
    for benchmark in document["benchmarks"]:
        yield _table(benchmark)
    for name, fault in document["failed"].items():
        yield Text(f"{name} came to no figures: {fault}")


def _table(benchmark: Mapping[str, Any]) -> Table:
    conditions = ", ".join(f"{name}: {value}" for name, value in benchmark["conditions"].items())
    load = benchmark["load_average"]
    table = Table(
        title=f"{benchmark['name']}: {benchmark['what']}",
        title_justify="left",
        caption=f"{conditions}; load {load['before'][0]:.2f} to {load['after'][0]:.2f}\n",
        caption_justify="left",
    )
    table.add_column("figure")
    for name in ("min", "median", "max"):
        table.add_column(name, justify="right")
    table.add_column("unit")
    for figure in benchmark["figures"]:
        numbers = (_number(figure[name]) for name in ("min", "median", "max"))
        table.add_row(figure["name"], *numbers, figure["unit"])
    return table


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def _load(averages: list[float]) -> str:
    return " ".join(f"{average:.2f}" for average in averages)

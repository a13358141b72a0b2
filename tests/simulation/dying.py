"""
The same deaths in real processes: ``python -m tests.simulation.dying``.

For each point of each life a process is forked that ends there by `os._exit`, without a word,
so that nothing of it is left but what is on disk. Then its parent takes over.
"""

import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from tests.simulation.effects import Around
from tests.simulation.lives import LIVES, Life, live, prepare
from worker.payouts.invariants import Breach

_DIED = 66


class Died(BaseException):
    """
    The process ended here.
    """


def unharmed(_effect: str, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """
    Let every effect happen.
    """
    return method(*args, **kwargs)


def deadly(at: int, *, really: bool = False) -> Around:
    """
    Die as soon as so many effects have happened; `really` ends the whole process.
    """
    passed = 0

    def around(_effect: str, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal passed
        try:
            return method(*args, **kwargs)
        finally:
            passed += 1
            if passed == at and really:
                os._exit(_DIED)
            if passed == at:
                raise Died

    return around


def points_of(life: Life, folder: Path) -> dict[int, str]:
    """
    Where a life can be cut off: how many effects had happened, and the last of them.

    A successor knows what is on disk and nothing else. So all points between two changes of that
    are one, the first of them: to die before an effect is to die after the change before it.
    """
    points: dict[int, str] = {}
    place, before = 0, ""
    books = folder / "jd.json"
    with contextlib.closing(sqlite3.connect(folder / "payouts.sqlite")) as onlooker:

        def noticing(
            effect: str, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            nonlocal place, before
            try:
                return method(*args, **kwargs)
            finally:
                place += 1
                version = onlooker.execute("PRAGMA data_version").fetchone()
                after = f"{version} {books.read_text() if books.exists() else None}"
                if after != before:
                    points[place], before = effect, after

        assert live(life, folder, noticing) == []
    return points


def recovered(life: Life, folder: Path, at: int) -> list[Breach]:
    """
    Die at that point, then begin anew; return what is wrong in the end.
    """
    with contextlib.suppress(Died):
        live(life, folder, deadly(at))
        raise AssertionError(f"effect {at} was never reached")
    return live(life, folder, unharmed)


def recovered_for_real(life: Life, folder: Path, at: int) -> list[Breach]:
    """
    The same in a process of its own.
    """
    if os.fork() == 0:
        live(life, folder, deadly(at, really=True))
        os._exit(0)
    _, status = os.wait()
    assert os.waitstatus_to_exitcode(status) == _DIED
    return live(life, folder, unharmed)


def new_folder(template: Path, name: str) -> Path:
    """
    A folder with a fresh database.
    """
    folder = template.parent / name
    folder.mkdir()
    shutil.copy(template, folder / "payouts.sqlite")
    return folder


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """
    Die at every point of the named lives, or of all of them.
    """
    deaths, broken = 0, 0
    with tempfile.TemporaryDirectory(prefix="payouts-dying-") as scratch:
        template = Path(scratch, "template.sqlite")
        prepare(template)
        for life in LIVES:
            if names and life.name not in names:
                continue
            points = points_of(life, new_folder(template, life.name))
            for at, effect in points.items():
                folder = new_folder(template, f"{life.name} {at}")
                breaches = recovered_for_real(life, folder, at)
                shutil.rmtree(folder)
                deaths += 1
                broken += bool(breaches)
                for breach in breaches:
                    click.echo(f"{life.name}, died after effect {at}, {effect}: {breach}")
    click.echo(f"{deaths} processes died, and {broken} of them broke a promise")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

"""
Copies of the tree, uncommitted changes included, in which guards may be taken away.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.guard import Guard

ROOT = Path(__file__).parents[2]

_FOLDERS = ("worker", "tasks", "tests")
_FILES = ("pyproject.toml",)


class WrongText(Exception):
    """
    A change names a text that is not there, or not exactly once.
    """


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """
    What the tests need of the tree, in a folder that goes when this ends.
    """
    with tempfile.TemporaryDirectory(prefix="payouts-mutant-") as folder:
        copy = Path(folder).resolve()
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            shutil.copy(ROOT / name, copy / name)
        yield copy


@contextlib.contextmanager
def without(guard: Guard, copy: Path) -> Iterator[None]:
    """
    Live without a guard for a while. Raises `WrongText`.
    """
    kept = {copy / path: (copy / path).read_bytes() for path in {c.path for c in guard.changes}}
    try:
        for change in guard.changes:
            path = copy / change.path
            source = path.read_text(encoding="utf-8")
            if source.count(change.text) != 1:
                raise WrongText(f"{guard.name}: {change.path} does not hold its text exactly once")
            path.write_text(source.replace(change.text, change.instead), encoding="utf-8")
        yield
    finally:
        for path, content in kept.items():
            path.write_bytes(content)

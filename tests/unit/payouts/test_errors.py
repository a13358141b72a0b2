"""
One tree of errors, whole: what is raised on purpose is drawn where it is defined.
"""

import ast
import importlib
import re

import pytest

from tests.test_layers import modules, within
from worker.payouts import errors

#: Sandbox, examples and the file that applications copy share nothing with us; a private error
#: never leaves its module.
APART = {"worker.sandbox", "worker.examples", "worker.producer"}


def defined() -> dict[str, type[Exception]]:
    """
    Every public exception class of this program, by its name.
    """
    found: dict[str, type[Exception]] = {}
    for name, path in modules():
        if within(name, APART):
            continue
        tree = ast.parse(path.read_text())
        classes = [n.name for n in tree.body if isinstance(n, ast.ClassDef)]
        module = importlib.import_module(name) if _may_raise(path.read_text()) else None
        for label in classes:
            made = getattr(module, label, None)
            if isinstance(made, type) and issubclass(made, Exception) and label[0] != "_":
                assert label not in found, f"two errors are called {label}"
                found[label] = made
    return found


def _may_raise(source: str) -> bool:
    return (
        re.search(r"^class \w+\(\w*(Error|Exception|Key|Payout|Certificate)\w*\)", source, re.M)
        is not None
    )


def drawn() -> dict[str, str]:
    """
    Each error of the picture, with the one above it.
    """
    assert errors.__doc__ is not None
    above: list[str] = ["PayoutError"]
    found = {}
    for line in errors.__doc__.splitlines():
        match = re.match(r"^ {4}((?:[│ ] {3})*)[├└]── (\w+) ", line)
        if match:
            depth = len(match[1]) // 4 + 1
            found[match[2]] = above[depth - 1]
            above[depth:] = [match[2]]
    return found


def test_the_tree_is_drawn_whole() -> None:
    """
    The picture names every class once, under the class that it extends.
    """
    classes = defined()
    actual = {name: made.__bases__[0].__name__ for name, made in classes.items()}
    del actual["PayoutError"]

    assert drawn() == actual


@pytest.mark.parametrize("made", defined().values(), ids=lambda made: made.__name__)
def test_every_error_is_in_the_tree(made: type[Exception]) -> None:
    """
    Whoever catches `PayoutError` catches all of them.
    """
    assert issubclass(made, errors.PayoutError)

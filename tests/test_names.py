"""
Names are the field's, and every file is of use: what a linter does not know of this house.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layers import MAY_IMPORT, MODULES, RESERVED, ROOT, imports, modules, within

#: Words that only this project would understand, or that the field uses for something else:
#: "settle" is 分账结算, and whoever pays is a merchant.
STALE_WORDS = {
    *("asking", "bearing", "casebook", "clerk", "desk", "door", "member", "office", "pulse"),
    *("reading", "settle", "settled", "settles", "shelf", "shelves", "stamp", "standing"),
    *("vigil", "watch", "witness"),
}

#: Names that hide that something is written, or that once meant two things.
STALE_NAMES = {"doubt", "due_queries", "due_sends", "unsent"}

#: A setting keeps its name.
RIGHT = {"return_watch", "_return_watch", "RETURN_WATCH"}

#: Where this program is started from, beside what imports say.
ENTRANCES = ("Procfile", "docker-compose.yml", "Dockerfile", "pyproject.toml", "Makefile")


def words(identifier: str) -> set[str]:
    """
    The words that an identifier is made of.
    """
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def identifiers(source: str) -> Iterator[str]:
    """
    Every name in a source, wherever it stands.
    """
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.string


def stale(source: str) -> set[str]:
    """
    The names in a source that hold a word of the list.
    """
    return {
        name
        for name in identifiers(source)
        if name not in RIGHT and (name in STALE_NAMES or words(name) & STALE_WORDS)
    }


@MODULES
def test_names_are_the_fields(name: str, path: Path) -> None:
    """
    Neither the module's name nor any name in it holds a private word.
    """
    assert words(path.stem) & STALE_WORDS == set()
    assert stale(path.read_text()) == set()


@pytest.mark.parametrize(
    "source",
    [
        "class Clerk: ...",
        "def due(): return late_watch",
        "ledger.due_sends(10)",
        "member = 1",
        "from worker.payouts import casebook",
        "settled_at = None",
        "ledger.settle()",
        "THE_STANDING = 1",
    ],
)
def test_a_private_word_is_found(source: str) -> None:
    """
    The check itself works, for classes, functions, constants, attributes and modules.
    """
    assert stale(source)


@pytest.mark.parametrize(
    "source", ["threading.Thread()", "timestamp = 1", "remember = outstanding"]
)
def test_a_word_inside_another_is_not(source: str) -> None:
    """
    The check does not cry wolf.
    """
    assert stale(source) == set()


@MODULES
def test_only_the_store_speaks_sql(name: str, path: Path) -> None:
    """
    Outside the store nothing imports the database's libraries or catches their errors.
    """
    spoken = {"sqlalchemy", "alembic", "psycopg"} if name != "worker.embedded.postgres" else set()
    if within(name, {"worker.store"}):
        return

    assert [target for target in imports(path.read_text()) if within(target, spoken)] == []


def test_every_package_says_what_it_is() -> None:
    """
    A folder's first file has a plate at its door: one sentence at least.
    """
    silent = [
        str(path)
        for _, path in modules()
        if path.name == "__init__.py" and not (ast.get_docstring(ast.parse(path.read_text())) or "")
    ]

    assert silent == []


def test_the_rules_name_what_exists() -> None:
    """
    A rule about a package that is gone guards nothing.
    """
    exist = {name for name, _ in modules()}
    named = {*MAY_IMPORT, *RESERVED}
    for others in (*MAY_IMPORT.values(), *RESERVED.values()):
        named |= others

    assert named - exist == set()


def used() -> set[str]:
    """
    Every module that something imports, names as ``module:attribute``, or starts.
    """
    exist = {name for name, _ in modules()}
    found: set[str] = {"worker", "worker.__main__"}
    for name, path in modules():
        source = path.read_text()
        targets = [*imports(source), *re.findall(r"\"((?:worker|tasks)[\w.]*)[:\"]", source)]
        for target in targets:
            found |= {part for part in exist if within(target, {part}) and part != name}
    for entrance in ENTRANCES:
        text = (ROOT / entrance).read_text()
        for target in re.findall(r"\b(?:worker|tasks)(?:\.\w+)+", text):
            found |= {part for part in exist if within(target, {part})}
    return found


def test_no_file_is_dead() -> None:
    """
    Every module is imported, named by a command, or started.

    Revisions are found by their folder, and examples by whoever copies them.
    """
    found = {"worker.store.migrations", "worker.examples", "worker.producer"}
    exist = {name for name, _ in modules() if not within(name, found)}

    assert exist - used() == set()

"""
Imports flow one way: the domain knows nobody, and nobody but the shell knows the queue's tasks.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_MODULE = 300

#: Where any fault may be caught, and how often: one must not stop what has nothing to do with it.
BORDERS = {
    "tasks.consumer": 2,
    "tasks.payouts": 1,
    "worker.in_flight": 1,
    "worker.intake.message": 1,
    "worker.store.engine": 1,
    "worker.usecases.evidence": 3,
    "worker.usecases.group_commit": 1,
    "worker.usecases.query": 1,
    "worker.usecases.send": 2,
}

#: Modules that lie directly in `worker`, outside all rings.
ROOT_MODULES = {f"worker.{path.stem}" for path in (ROOT / "worker").glob("[!_]*.py")}

#: What each ring may import of our own code. The longest name that fits a module is its ring.
MAY_IMPORT = {
    "worker.payouts": {"worker.payouts"},
    "worker.usecases": {"worker.usecases", "worker.payouts"},
    "worker.jdpay": {"worker.jdpay", "worker.payouts"},
    "worker.store": {"worker.store", "worker.payouts", "worker.usecases.ports"},
    "worker.intake": {"worker.intake", "worker.usecases", "worker.payouts", "worker.jdpay.banks"},
    "worker.views": {"worker.views", "worker.payouts", "worker.usecases", "worker.jdpay.codes"},
    "worker.sandbox": {"worker.sandbox"},
    "worker.embedded": {"worker.embedded", "worker.payouts.errors"},
    "worker.broker": {
        *("worker.broker", "worker.payouts", "worker.usecases.ports", "worker.views"),
        *("worker.settings", "worker.logs"),
    },
    "worker.web": {
        *("worker.web", "worker.intake", "worker.views"),
        "worker.usecases",
        "worker.payouts",
        "worker.jdpay",
        *ROOT_MODULES,
    },
    "worker.webhooks": {"worker.webhooks", "worker.payouts", "worker.views"},
    "worker.examples": {"worker.examples", "worker.producer"},
    "worker.producer": {"worker.producer"},
    "worker": {"worker"},
    "tasks": {"tasks", "worker"},
}

#: Rings that use the standard library only.
PURE = {"worker.payouts", "worker.usecases"}

#: What only a few may import, whatever their ring allows.
_COMPOSERS = {"worker.bootstrap", "worker.service", "worker.cli.wire", "worker.cli.doctor"}
RESERVED = {
    "worker.sandbox": {"worker.sandbox", "worker.cli", "worker.demo"},
    "worker.examples": {"worker.examples"},
    "worker.jdpay.client": {"worker.jdpay"} | _COMPOSERS,
    "worker.store.ledger": {"worker.store"} | _COMPOSERS,
}


def within(name: str, packages: set[str]) -> bool:
    """
    Whether a dotted name is one of the packages or lies in one.
    """
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imports(source: str) -> Iterator[str]:
    """
    Every dotted name that a source imports, wherever in it; a relative one keeps its dots.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def breaches(name: str, source: str) -> list[str]:
    """
    What a module imports against the rules.
    """
    ring = max((ring for ring in MAY_IMPORT if within(name, {ring})), key=len)
    found = []
    for target in imports(source):
        ours = within(target, {"worker", "tasks"})
        if (
            target.startswith(".")
            or (ours and not within(target, MAY_IMPORT[ring]))
            or (ring in PURE and not ours and not _is_standard(target))
            or any(
                within(target, {reserved}) and not within(name, allowed)
                for reserved, allowed in RESERVED.items()
            )
        ):
            found.append(f"{name} -> {target}")
    return found


def _is_standard(target: str) -> bool:
    return target.partition(".")[0] in sys.stdlib_module_names


def modules() -> list[tuple[str, Path]]:
    """
    Each module of ours, with its file.
    """
    paths = sorted([*(ROOT / "worker").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")])
    return [
        (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path)
        for path in paths
    ]


MODULES = pytest.mark.parametrize(("name", "path"), modules(), ids=[name for name, _ in modules()])


@MODULES
def test_imports_flow_one_way(name: str, path: Path) -> None:
    """
    A module imports only from its own ring or the rings inside it.
    """
    assert breaches(name, path.read_text()) == []


@MODULES
def test_modules_are_short(name: str, path: Path) -> None:
    """
    A module that has grown past one idea is split.
    """
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


def catch_alls(source: str) -> int:
    """
    How many handlers of a source catch any fault, alone or among others.
    """
    caught = (n.type for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ExceptHandler))
    kinds = (kind.elts if isinstance(kind, ast.Tuple) else [kind] for kind in caught)
    return sum(any(one is None or _is_any(one) for one in named) for named in kinds)


def _is_any(kind: ast.expr) -> bool:
    return isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}


@MODULES
def test_any_fault_is_caught_at_named_borders_alone(name: str, path: Path) -> None:
    """
    Who catches whatever comes is on the list, with as many places as it has.
    """
    assert catch_alls(path.read_text()) == BORDERS.get(name, 0)


@pytest.mark.parametrize("kind", ["", " Exception", " BaseException as e", " (OSError, Exception)"])
def test_a_catch_all_is_found(kind: str) -> None:
    """
    However it is written.
    """
    assert catch_alls(f"try:\n    pass\nexcept{kind}:\n    pass\n") == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("worker.usecases.send", "import tasks.payouts"),
        ("worker.usecases.send", "from worker.jdpay import codes"),
        ("worker.usecases.send", "from worker import jdpay"),
        ("worker.usecases.send", "from worker import settings"),
        # the domain is standard library only, inside functions as well
        ("worker.usecases.send", "import celery"),
        ("worker.usecases.send", "def late():\n    from sqlalchemy import select"),
        ("worker.jdpay.client", "from worker.store import ledger"),
        ("worker.jdpay.client", "import worker.settings"),
        ("worker.store.ledger", "from worker.jdpay.codes import CODES"),
        # bugs of the two sides must not cancel out
        ("worker.sandbox.server", "from worker.jdpay import signing"),
        ("worker.sandbox.server", "from worker.payouts.money import Fen"),
        ("worker.embedded.broker", "from worker.settings import Settings"),
        ("worker.web.receiver", "from worker.store import engine"),
        ("worker.web.receiver", "from worker.cli import main"),
        ("worker.broker.app", "from tasks import payouts"),
        ("worker.cli.main", "import tasks"),
        # reserved for a few
        ("worker.bootstrap", "from worker.sandbox import server"),
        ("tasks.payouts", "from worker.sandbox.keys import make"),
        ("tasks.payouts", "from worker.jdpay.client import JdPayClient"),
        ("worker.cli.show", "from worker.store.ledger import SqlLedger"),
        # an application has nothing of ours but the queue, the API and the events
        ("worker.examples.shop", "from worker.payouts.money import Fen"),
        ("worker.cli.show", "from worker.examples import shop"),
        ("worker.producer", "from worker.payouts.money import Fen"),
        # a relative import hides where it goes
        ("worker.usecases.send", "from . import money"),
        ("worker.usecases.send", "from .money import Fen"),
    ],
)
def test_a_breach_is_found(name: str, source: str) -> None:
    """
    The check itself works: each planted breach is reported.
    """
    assert len(breaches(name, source)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("worker.usecases.send", "from datetime import UTC\nfrom worker.payouts import money"),
        ("worker.jdpay.client", "import requests\nfrom worker.payouts.evidence import Answer"),
        ("worker.service", "from worker.jdpay.client import JdPayClient"),
        ("worker.demo.story", "from worker.sandbox import scenarios"),
        ("tasks.payouts", "from worker.broker.app import app\nfrom tasks.base import PayoutTask"),
    ],
)
def test_a_proper_import_is_not(name: str, source: str) -> None:
    """
    The check does not cry wolf.
    """
    assert breaches(name, source) == []

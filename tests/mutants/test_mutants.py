"""
The table of guards is true of the code as it stands, a share of it is tried, and a trial can fail.
"""

import ast
import functools
from collections import Counter

import pytest

from tests.mutants.__main__ import try_all
from tests.mutants.copies import ROOT
from tests.mutants.guard import Change, Guard
from tests.mutants.table import GUARDS
from tests.mutants.trial import Unfit, judge

NAMED = [pytest.param(guard, id=guard.name) for guard in GUARDS]

#: What at-most-once rests on first: one guard for each of its pillars. `make mutants` tries all.
PILLARS = (
    "claim-holds-the-row",
    "one-open-attempt",
    "commit-before-send",
    "resend-needs-proven-absence",
    "amount-is-compared",
    "reply-is-verified",
    "unlisted-code-is-unclear",
)

_RESEND = "worker/payouts/policy/may_send.py"
_TEST = "tests/unit/policy/test_may_send.py::test_resends_are_limited"

HARMLESS = Guard(
    "harmless", "", (Change(_RESEND, "def may_send(", "# Nothing.\ndef may_send("),), (_TEST,)
)
BROKEN = Guard("broken", "", (Change(_RESEND, "if facts.dossier", "if readin.dossier"),), (_TEST,))
ABSENT = Guard("absent", "", (Change(_RESEND, "no such text"),), (_TEST,))
UNTESTED = Guard("untested", "", HARMLESS.changes, (f"{_TEST}_at_all",))


@functools.cache
def functions(path: str) -> frozenset[str]:
    """
    The functions of a module of tests.
    """
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_guard_has_a_name_of_its_own() -> None:
    """
    One name is one guard.
    """
    assert [name for name, times in Counter(g.name for g in GUARDS).items() if times > 1] == []


@pytest.mark.parametrize("guard", NAMED)
def test_a_guard_stands_where_the_table_says(guard: Guard) -> None:
    """
    Its text occurs exactly once, and taking it away is a change; of Python's, one that compiles.
    """
    sources = {c.path: (ROOT / c.path).read_text(encoding="utf-8") for c in guard.changes}
    for change in guard.changes:
        assert sources[change.path].count(change.text) == 1
        assert change.instead != change.text
        sources[change.path] = sources[change.path].replace(change.text, change.instead)
    for path, source in sources.items():
        if path.endswith(".py"):
            compile(source, path, "exec")


@pytest.mark.parametrize("guard", NAMED)
def test_the_tests_of_a_guard_exist(guard: Guard) -> None:
    """
    Each node id names a folder or a module of tests, or a function in one.
    """
    for node_id in guard.tests:
        path, _, function = node_id.partition("::")
        assert (ROOT / path).exists()
        assert not function or function.partition("[")[0] in functions(path)


def test_no_pillar_can_be_taken_away() -> None:
    """
    Each of these guards, taken away in a copy of the tree, makes its test fail there.
    """
    guards = [guard for guard in GUARDS if guard.name in PILLARS]
    assert len(guards) == len(PILLARS)

    assert [v.guard.name for v in judge(guards) if not v.caught_by] == []


def test_a_survivor_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A change that does nothing, one that cannot run and one of no text are no catches.
    """
    code = try_all((HARMLESS, BROKEN, ABSENT), jobs=2)

    *_, harmless, broken, absent, _, sum_ = capsys.readouterr().out.splitlines()
    assert code == 1
    assert "SURVIVED" in harmless
    assert "THE CHANGE IS BROKEN: NAMEERROR" in broken
    assert "DOES NOT HOLD ITS TEXT" in absent
    assert sum_.startswith("0 of 3 guards")


def test_tests_that_fail_by_themselves_judge_nothing() -> None:
    """
    A test that is not there, or not green, would seem to catch everything.
    """
    with pytest.raises(Unfit):
        list(judge([UNTESTED], jobs=1))

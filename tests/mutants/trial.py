"""
Guards on trial: each is taken away in a copy, and the tests that should notice are run there.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import report
from tests.mutants.copies import WrongText, copied, without
from tests.mutants.guard import Guard

#: Nearly every promise that is looked at here holds on every database; SQLite answers soonest. A
#: test that is about PostgreSQL alone is named with it.
_QUICK = ("-k", "not postgres")
_POSTGRES = "[postgres"

#: A change that cannot even run shows nothing about the guard.
_BROKEN = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "UnboundLocalError")

_TIME_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Run:
    """
    What became of some tests: pytest's exit code (None: out of time), and the first that failed.
    """

    code: int | None
    test: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of one guard: `caught_by` a test, or the `trouble`, which is that nobody noticed.
    """

    guard: Guard
    caught_by: str = ""
    fault: str = ""
    trouble: str = ""
    seconds: float = 0.0


class Unfit(Exception):
    """
    The tests cannot judge: they fail before anything is taken away, or test another tree.
    """


def judge(guards: Sequence[Guard], jobs: int = 2) -> Iterator[Verdict]:
    """
    Take each guard away by itself; yield each verdict as it is found. Raises `Unfit`.
    """
    with contextlib.ExitStack() as stack:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for _ in range(jobs):
            copies.put(stack.enter_context(copied()))
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        stack.callback(pool.shutdown, cancel_futures=True)

        def judge_one(guard: Guard) -> Verdict:
            copy = copies.get()
            try:
                return _verdict(guard, copy)
            finally:
                copies.put(copy)

        _check_whole(guards, copies)
        for done in as_completed([pool.submit(judge_one, guard) for guard in guards]):
            yield done.result()


def _check_whole(guards: Sequence[Guard], copies: "queue.SimpleQueue[Path]") -> None:
    copy = copies.get()
    tests = sorted({test for guard in guards for test in guard.tests})
    for group in ([t for t in tests if _POSTGRES not in t], [t for t in tests if _POSTGRES in t]):
        run = _run(copy, group) if group else Run(0)
        if run.code != 0:
            raise Unfit(f"with every guard in place: {_ended(run)} {run.test} {run.fault}".rstrip())
    copies.put(copy)


def _verdict(guard: Guard, copy: Path) -> Verdict:
    begun = time.monotonic()
    try:
        with without(guard, copy):
            run = _run(copy, guard.tests)
    except WrongText as error:
        return Verdict(guard, trouble=str(error))
    seconds = time.monotonic() - begun
    if run.code == 0:
        return Verdict(guard, trouble="survived: no test noticed", seconds=seconds)
    if run.code != 1 or not run.test:
        return Verdict(guard, trouble=_ended(run), seconds=seconds)
    if run.fault.startswith(_BROKEN):
        return Verdict(guard, trouble=f"the change is broken: {run.fault}", seconds=seconds)
    return Verdict(guard, caught_by=run.test, fault=run.fault, seconds=seconds)


def _ended(run: Run) -> str:
    if run.code is None:
        return f"the tests took longer than {_TIME_LIMIT_S:.0f} s"
    return f"pytest ended with {run.code}"


def _run(copy: Path, tests: Sequence[str]) -> Run:
    """
    Run tests in a copy and on it. Raises `Unfit` if anything of ours came from elsewhere.
    """
    (copy / report.FILE).unlink(missing_ok=True)
    code = _pytest(copy, tests)
    if code is None or not (copy / report.FILE).exists():
        return Run(code)
    seen = json.loads((copy / report.FILE).read_text())
    if seen["strangers"]:
        raise Unfit(f"not the copy is tested: {', '.join(seen['strangers'])}")
    return Run(code, **(seen["first"] or {}))


def _pytest(copy: Path, tests: Sequence[str]) -> int | None:
    quick = () if any(_POSTGRES in test for test in tests) else _QUICK
    options = ("-x", "-q", "-p", "no:cacheprovider", "-p", report.__name__, *quick)
    folder = f"--basetemp={copy / 'tmp'}"
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, folder, *tests],
        cwd=copy,
        # No bytecode: a text of equal length, written in the same second, would pass for the old.
        env=_environment() | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(_TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment() -> dict[str, str]:
    """
    Ours, without what the pytest has set in which we may be running ourselves.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

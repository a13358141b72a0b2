"""
A plugin of pytest's: which test failed first and by what, and whose modules were under test.

It is loaded by name into the tests of a copy, and leaves what it saw in a file there.
"""

import json
import sys
from pathlib import Path

import pytest

FILE = "report.json"

_failures: list[dict[str, str]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """
    Keep what failed.
    """
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        fault = crash.message if crash else str(report.longrepr)
        _failures.append({"test": report.nodeid, "fault": fault})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """
    Write it down, with every module of ours that was imported from anywhere but this copy.
    """
    here = session.config.rootpath
    strangers = [name for name in sys.modules if _is_ours(name) and not _lies_in(here, name)]
    first = _failures[0] if _failures else None
    (here / FILE).write_text(json.dumps({"first": first, "strangers": strangers}))


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in {"worker", "tasks"}


def _lies_in(folder: Path, name: str) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    return file is None or Path(file).is_relative_to(folder)

"""
How PostgreSQL is started by an ordinary user, by root, and where neither way is open.
"""

import importlib.util
import os
import shutil
import signal

import pytest

from worker.embedded import launcher
from worker.embedded.errors import NotInstalled, NotPermitted
from worker.embedded.launcher import Launcher, find_launcher


def refuse(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """
    Let the named programs be missing, and all others be there and work.
    """
    monkeypatch.setattr(launcher, "_works", lambda way: way.prefix[0] not in programs)


def test_an_ordinary_user_needs_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The programs run directly, and no file changes hands.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    found = find_launcher()

    assert [found.programs / "postgres"] == found.command("postgres", signal.SIGINT)
    assert found.owner is None


def test_root_gets_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Root is someone else inside a namespace, and its files stay its own.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    refuse(monkeypatch)

    found = find_launcher()

    assert found.prefix[0] == "unshare"
    assert found.owner is None


def test_root_becomes_nobody_where_namespaces_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The second way changes the user, repeats the wish to die with the parent, and hands files over.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    refuse(monkeypatch, "unshare")

    found = find_launcher()

    assert found.prefix[0] == "setpriv"
    assert "--pdeathsig=INT" in found.command("postgres", signal.SIGINT)
    assert found.owner == ("nobody", "nogroup")


def test_no_way_at_all_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The error names both ways and what else can be done.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(NotPermitted, match=r"unshare.*setpriv.*ordinary user"):
        find_launcher()


def test_a_missing_package_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without the package, the error says what to install.
    """
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(NotInstalled, match="embedded"):
        find_launcher()


def test_the_programs_are_found_without_the_package_being_imported() -> None:
    """
    `initdb` and `postgres` lie where the launcher looks.
    """
    programs = launcher.find_programs()

    assert (programs / "initdb").is_file()
    assert Launcher(programs).command("initdb", signal.SIGTERM) == [programs / "initdb"]

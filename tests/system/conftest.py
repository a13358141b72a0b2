"""
Servers out of the system's packages, shared by a module where a test does not break them.
"""

from collections.abc import Iterator

import pytest

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

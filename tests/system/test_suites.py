"""
What our own tests promise of the embedded servers holds on the system's as well.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.system import servers
from worker.embedded.postgres import Postgres

ROOT = Path(__file__).parents[2]

#: What the ledger promises, and what happens when many processes use it at once.
LEDGER = ("tests/contract", "tests/integration/concurrency")


def run(environment: dict[str, str], *arguments: str) -> None:
    """
    Run a part of our tests over servers that the environment names.
    """
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


def test_the_ledger_keeps_its_promises_on_the_systems_postgresql(postgres: Postgres) -> None:
    """
    Directly, whatever that server's defaults are.
    """
    run({"TEST_DATABASE_URL": postgres.url}, *LEDGER, "-k", "postgres")


def test_the_ledger_keeps_its_promises_behind_a_pooler(postgres: Postgres) -> None:
    """
    So it does where each transaction has another session.
    """
    with servers.pooler(postgres, "transaction", default_pool_size=8) as pooler:
        environment = {"TEST_DATABASE_URL": postgres.url, "TEST_POOLER_URL": pooler.url()}
        run(environment, *LEDGER, "-k", "postgres")


def test_messages_keep_their_way_through_the_systems_redis() -> None:
    """
    Celery, kombu and our consumer work with it as with the embedded one.
    """
    with servers.redis_server() as broker:
        run({"TEST_REDIS_URL": broker.url}, "tests/integration/broker")

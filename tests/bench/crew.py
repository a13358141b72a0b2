"""
Processes that begin together, each at its share of one heap of work, until none is left.

``python -m tests.bench.crew WHOSE BATCH`` is one of them: it says when it is ready, and begins at a
line on standard input.
"""

import asyncio
import os
import subprocess
import sys
import time

import psycopg
import uvloop
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from tests.bench import product
from tests.bench.checkout import HERE, THIS
from tests.waiting import until

ENTRYPOINT = "nothing"
OURS, PGQUEUER = "ours", "pgqueuer"

_LONGEST_SECONDS = 120.0


def work(whose: str, processes: int, batch: int, database: str, key: str) -> float:
    """
    Let so many processes do all there is to do; return the seconds until nothing was left.
    """
    crew = [
        subprocess.Popen(
            [THIS.program("python"), "-m", "tests.bench.crew", whose, str(batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**THIS.environment(), "BENCH_DATABASE": database, "BENCH_KEY": key},
            cwd=HERE,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for one in crew:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        start = time.monotonic()
        for one in crew:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        if whose == PGQUEUER:
            _wait_until_empty(database)
        else:
            for one in crew:
                one.wait(_LONGEST_SECONDS)
        return time.monotonic() - start
    finally:
        for one in crew:
            one.kill()
            one.communicate()


def _wait_until_empty(conninfo: str) -> None:
    # Its processes take seconds to end, which is not what is measured.
    with psycopg.connect(conninfo, autocommit=True) as connection:
        left = "SELECT EXISTS (SELECT FROM pgqueuer)"
        until(lambda: connection.execute(left).fetchone() == (False,), _LONGEST_SECONDS, 0.01)


def main() -> None:
    """
    Be one of them.
    """
    whose, batch = sys.argv[1], int(sys.argv[2])
    url, key = os.environ["BENCH_DATABASE"], os.environ["BENCH_KEY"]
    if whose == OURS:
        with product.open_ledger(url, key) as ledger:
            _begin()
            while ledger.work(batch):
                pass
    else:
        uvloop.run(_pgqueuer(url, batch))


async def _pgqueuer(conninfo: str, batch: int) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        manager = QueueManager(Queries(PsycopgDriver(connection)))

        @manager.entrypoint(ENTRYPOINT)
        async def nothing(_job: Job) -> None:
            return

        _begin()
        await manager.run(batch_size=batch)


async def _fill(conninfo: str, jobs: int) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        queries = Queries(PsycopgDriver(connection))
        if not await queries.schema_is_installed():
            await queries.install()
        await queries.enqueue([ENTRYPOINT] * jobs, [None] * jobs, [0] * jobs)


def fill_pgqueuer(conninfo: str, jobs: int) -> None:
    """
    Queue so many jobs for pgqueuer.
    """
    asyncio.run(_fill(conninfo, jobs))


def _begin() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main()

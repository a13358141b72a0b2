"""
Everything that a benchmark of whole stacks runs: one gateway, one PostgreSQL, and the stacks.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import gateway, stack
from tests.bench.gateway import Gateway
from tests.bench.product import Postgres
from tests.bench.stack import Stack
from tests.bench.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Rig:
    """
    The running parts; each stack with the kind of its database.
    """

    gateway: Gateway
    server: Postgres | None
    stacks: tuple[tuple[str, Stack], ...]


@contextlib.contextmanager
def running(
    wanted: Wanted,
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    sandbox: tuple[str, ...] = (),
) -> Iterator[Rig]:
    """
    Run a stack of each checkout on each database below `directory`, until left.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as parts:
        near = parts.enter_context(gateway.running(directory, *sandbox))
        server = None
        if "postgres" in wanted.databases:
            server = parts.enter_context(Postgres(directory / "postgres"))
        stacks = []
        for place, checkout in enumerate(wanted.checkouts):
            for database in wanted.databases:
                folder = directory / f"{database}{place}"
                url = f"sqlite:///{folder}/payouts.sqlite"
                if server and database == "postgres":
                    url = server.create_database(folder.name)
                started = stack.running(checkout, folder, url, near, settings=settings)
                stacks.append((database, parts.enter_context(started)))
        yield Rig(near, server, tuple(stacks))

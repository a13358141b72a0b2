"""
A world that was begun once, and a copy of it for each attack.
"""

import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.doubles.world import Clock
from tests.tampering.attacker import Attacker
from tests.tampering.books import Books
from tests.tampering.world import KEYRING, World
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keys import ensure_keyring
from worker.store.migrate import upgrade


class Begun(NamedTuple):
    """
    A world in which nobody has tampered yet.
    """

    file: Path
    now: datetime
    books: Books
    #: Copies of its database, the oldest first.
    before: tuple[Path, ...]


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """
    The story so far, told once.
    """
    folder = tmp_path_factory.mktemp("begun")
    file, clock, books = folder / "a.sqlite", Clock(), Books()
    engine = create_engine(f"sqlite:///{file}")
    upgrade(engine)
    ensure_profile(engine, "sandbox")
    ensure_keyring(engine, KEYRING)
    engine.dispose()
    world, copies = World(file, clock, books), list[Path]()

    def copy() -> None:
        world.close()
        copies.append(folder / f"before{len(copies)}.sqlite")
        shutil.copy(file, copies[-1])

    world.tell_story(copy)
    world.close()
    return Begun(file, clock.now, books, tuple(copies))


@pytest.fixture
def world(begun: Begun, tmp_path: Path) -> Iterator[World]:
    """
    A copy of it, where everybody works on.
    """
    file = tmp_path / "a.sqlite"
    shutil.copy(begun.file, file)
    world = World(file, Clock(begun.now), deepcopy(begun.books))
    yield world
    world.close()


@pytest.fixture
def attacker(world: World) -> Iterator[Attacker]:
    """
    Someone who writes to that copy, and holds no key.
    """
    attacker = Attacker(world.file)
    yield attacker
    attacker.close()

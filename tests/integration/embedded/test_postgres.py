"""
The embedded PostgreSQL, as a real process.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text

from tests.processes import ends
from worker.embedded.errors import NotReady
from worker.embedded.postgres import Postgres


@pytest.fixture
def directory() -> Iterator[Path]:
    """
    A folder that another user can reach, should the server have to run as one.
    """
    with TemporaryDirectory(prefix="payouts-data-") as folder:
        yield Path(folder)


def ask(url: str, *statements: str) -> object:
    """
    Run statements in one transaction; the first column of the last one's first row, if any.
    """
    engine = create_engine(url)
    answer = None
    with engine.begin() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
            answer = result.scalar() if result.returns_rows else None
    engine.dispose()
    return answer


def test_it_is_postgresql_18_with_full_durability_and_no_port(directory: Path) -> None:
    """
    Nothing is switched off by default, and no network port is opened.
    """
    with Postgres(directory) as server:
        assert str(ask(server.url, "SHOW server_version")).startswith("18.")
        assert ask(server.url, "SHOW fsync") == "on"
        assert ask(server.url, "SHOW synchronous_commit") == "on"
        assert ask(server.url, "SHOW listen_addresses") == ""
        assert ask(server.url, "SHOW server_encoding") == "UTF8"


@pytest.mark.parametrize("immediate", [False, True])
def test_data_survives_a_restart(directory: Path, immediate: bool) -> None:
    """
    Stopped in order or as by a crash, the server comes back under the same URL with its data.
    """
    with Postgres(directory, {"synchronous_commit": "on"}) as server:
        url = server.create_database("kept")
        ask(url, "CREATE TABLE kept (number INTEGER)", "INSERT INTO kept VALUES (7)")
        server.stop(immediate=immediate)
        assert server.pid is None

        server.start()

        assert ask(url, "SELECT number FROM kept") == 7


def test_a_second_server_finds_the_data(directory: Path) -> None:
    """
    The directory is all that has to be kept.
    """
    with Postgres(directory) as server:
        server.create_database("kept")

    with Postgres(directory) as server:
        assert ask(server.database_url("kept"), "SELECT current_database()") == "kept"


def test_a_half_made_directory_is_made_anew(directory: Path) -> None:
    """
    What a killed first start left behind is not taken for a database.
    """
    (directory / "data.new" / "base").mkdir(parents=True)

    with Postgres(directory) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_a_failed_start_says_why(directory: Path) -> None:
    """
    The error holds the server's own words.
    """
    with (
        pytest.raises(NotReady, match="no_such_setting"),
        Postgres(directory, {"no_such_setting": "1"}),
    ):
        pass


def test_leaving_the_block_ends_the_process(directory: Path) -> None:
    """
    After the block, the server and its socket are gone.
    """
    with Postgres(directory) as server:
        pid = server.pid
        sockets = Path(str(ask(server.url, "SHOW unix_socket_directories")))
        assert sockets.stat().st_mode & 0o777 == 0o700

    assert pid
    assert ends(pid)
    assert not sockets.exists()


def test_it_dies_with_its_killed_parent(directory: Path) -> None:
    """
    After kill -9 of the parent, no server is left.
    """
    script = (
        "import pathlib, sys, time; from worker.embedded.postgres import Postgres\n"
        "with Postgres(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.pid, flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(directory)]
    # A killed parent cannot clear up: its temporary folder shall be ours.
    env = os.environ | {"TMPDIR": str(directory)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()

    assert ends(pid)

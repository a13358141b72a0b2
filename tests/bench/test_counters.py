"""
What counts for the benchmarks counts right: each against work of a known size.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import sqlalchemy as sa
from sqlalchemy import make_url

from tests.bench import counters, cpu_times, fill
from tests.bench.checkout import HERE, THIS
from tests.bench.database import TRACING
from tests.bench.product import Postgres
from tests.waiting import until

#: Burns CPU time by the process's own clock: a fifth of a second here, and as much in a child.
_BURN = """
import subprocess, sys, time
burn = "import time\\nwhile time.process_time() < 0.2: pass"
subprocess.run([sys.executable, "-c", burn], check=True)
while time.process_time() < 0.2: pass
print("burnt", flush=True)
sys.stdin.readline()
"""

_USE_SQLITE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("CREATE TABLE t (x)")
    for n in range(3):
        connection.execute("INSERT INTO t VALUES (?)", [n])
        connection.commit()
    connection.execute("INSERT INTO t VALUES (9)")
    connection.rollback()
    connection.execute("SELECT count(*) FROM t").fetchone()
"""

_STORY = """
CREATE TABLE payouts (id INTEGER PRIMARY KEY, out_trade_no, obligation, status);
CREATE TABLE attempts (id INTEGER PRIMARY KEY, payout_id);
CREATE TABLE evidence (id INTEGER PRIMARY KEY, payout_id, attempt_id, out_trade_no, number);
CREATE TABLE transitions (id INTEGER PRIMARY KEY, payout_id, evidence_id);
INSERT INTO payouts VALUES (1, 'A', 'debt', 'paid');
INSERT INTO attempts VALUES (1, 1);
INSERT INTO evidence VALUES (1, 1, 1, 'A', 'A'), (2, 1, NULL, 'A', NULL);
INSERT INTO transitions VALUES (1, 1, NULL), (2, 1, 1), (3, 1, 2)
"""


def test_cpu_time_is_that_of_the_whole_tree() -> None:
    """
    A child that has ended and was reaped counts with its parent.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "burnt\n"
        burnt = cpu_times.of_tree(process.pid)
        process.communicate("\n")

    assert 0.35 <= burnt < 1.0


def test_sqlite_tells_what_it_did(tmp_path: Path) -> None:
    """
    Commits, rollbacks and statements of a process that knows nothing of being counted.
    """
    trace = tmp_path / "trace"
    subprocess.run(
        [sys.executable, "-c", _USE_SQLITE, tmp_path / "a.sqlite"],
        env=THIS.environment() | {"PYTHONPATH": str(TRACING), "BENCH_TRACE": str(trace)},
        cwd=HERE,
        check=True,
    )

    # One table, four rows, one look: the driver begins a transaction before each insert.
    assert counters.of_sqlite(trace)() == counters.Counts(3, 1, 0, 6)
    assert trace.read_bytes().count(b"B") == 4


def test_postgres_tells_what_it_did() -> None:
    """
    Commits as its statistics have them, statements and pings as its log has them.
    """
    with (
        tempfile.TemporaryDirectory(prefix="payouts-bench-") as folder,
        Postgres(Path(folder), counters.TELLING) as server,
    ):
        url = server.create_database("counted")
        read = counters.of_postgres(url, server.directory / "postgres.log")
        before = read()
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as connection:
            for _ in range(3):
                connection.execute("SELECT count(*)\nFROM pg_class WHERE oid = %s", [1])
                connection.execute("SELECT 2")
                connection.commit()
            connection.execute("SELECT 3")
            connection.rollback()
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute("")
            connection.execute(";")

        # A process of the server's tells its counts when it ends, which may be a moment later.
        until(lambda: read().since(before).commits >= 7, 20)
        found = read().since(before)

    assert (found.rollbacks, found.pings, found.statements) == (1, 2, 7)
    # Three of ours; to PostgreSQL each ping is one, and so is the start of each connection.
    assert found.commits == 3 + 2 + 2


def test_rows_are_copied_under_new_numbers(tmp_path: Path) -> None:
    """
    A payout and its story are copied whole, each copy with an id, a number and links of its own.
    """
    engine = sa.create_engine(f"sqlite:///{tmp_path}/a.sqlite")
    with engine.begin() as connection:
        for statement in _STORY.split(";"):
            connection.execute(sa.text(statement))
        assert fill.copy_stories(connection, 2) == 3
        assert fill.count(connection) == 3
        story = (
            "SELECT p.id, p.out_trade_no, p.obligation, e.number, a.id, count(t.id)"
            " FROM payouts p JOIN attempts a ON a.payout_id = p.id"
            " JOIN evidence e ON e.attempt_id = a.id AND e.payout_id = p.id"
            " JOIN transitions t ON t.payout_id = p.id GROUP BY p.id ORDER BY p.id"
        )
        assert list(map(tuple, connection.execute(sa.text(story)))) == [
            (1, "A", "debt", "A", 1, 3),
            (4, "A-1", "debt-1", "A-1", 4, 3),
            (7, "A-2", "debt-2", "A-2", 7, 3),
        ]
        changes = {"status": "'held'"}
        assert fill.copy_payout(connection, 1, 2, changes) == (8, 9)
        copied = "SELECT out_trade_no, status FROM payouts WHERE id >= 8 ORDER BY id"
        assert list(map(tuple, connection.execute(sa.text(copied)))) == [
            ("A-8", "held"),
            ("A-9", "held"),
        ]
    engine.dispose()

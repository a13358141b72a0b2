"""
What a database has done so far, by its own count.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy import make_url

#: Settings of a PostgreSQL server whose log tells every statement, whose it is, and where. The
#: embedded server comes without `pg_stat_statements`.
TELLING = {"log_statement": "all", "log_line_prefix": "%a@%d|"}

_STATEMENT = re.compile(r"^(?P<who>[^@\n]*)@(?P<database>[^|\n]*)\|LOG:  ")
_WHAT = re.compile(r"(?:statement|execute [^:]+): (.*)")
#: What drivers send to see whether a connection still lives.
_PINGS = frozenset({"", ";", "SELECT 1", "SELECT 1;"})
_BRACKETS = frozenset({"BEGIN", "COMMIT", "END", "ROLLBACK", "START"})


class Counts(NamedTuple):
    """
    What was done in one database, up to a moment or in between.
    """

    #: Everything that the database calls a commit; on PostgreSQL each ping is one of them.
    commits: int
    rollbacks: int
    #: Statements that only ask whether the connection lives.
    pings: int
    #: All the others, without those that begin or end a transaction.
    statements: int

    def since(self, earlier: "Counts") -> "Counts":
        """
        What was done after an earlier moment.
        """
        return Counts(*(now - then for now, then in zip(self, earlier, strict=True)))


#: Reads a database's counts.
Read = Callable[[], Counts]


def of_postgres(database_url: str, log: Path) -> Read:
    """
    Commits and rollbacks as `pg_stat_database` has them, statements as the server's log has them.

    Looks from another database, so that looking is not counted.
    """
    target = make_url(database_url)
    elsewhere = target.set(drivername="postgresql", database="template1")

    def read() -> Counts:
        with psycopg.connect(elsewhere.render_as_string(hide_password=False)) as connection:
            row = connection.execute(
                "SELECT xact_commit, xact_rollback FROM pg_stat_database WHERE datname = %s",
                [target.database],
            ).fetchone()
        assert row is not None
        return Counts(row[0], row[1], *_in_log(log, str(target.database)))

    return read


def _in_log(log: Path, database: str) -> tuple[int, int]:
    pings = statements = 0
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            head = _STATEMENT.match(line)
            if head is None or head["database"] != database or head["who"] == "bench":
                continue
            if what := _WHAT.match(line, head.end()):
                text = what[1].strip()
                pings += text in _PINGS
                statements += text not in _PINGS and text.split()[0].rstrip(";") not in _BRACKETS
    return pings, statements


def of_sqlite(trace: Path) -> Read:
    """
    What SQLite's trace in each process has written down.
    """

    def read() -> Counts:
        found = trace.read_bytes()
        return Counts(found.count(b"C"), found.count(b"R"), 0, found.count(b"s"))

    return read

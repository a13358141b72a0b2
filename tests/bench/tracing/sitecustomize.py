"""
Counts what SQLite does in any Python process that finds this file: SQLite's own trace tells.

Python imports a module of this name at its start. Each statement adds a byte to the file named by
BENCH_TRACE: ``B`` for a begin, ``C`` for a commit, ``R`` for a rollback, ``s`` for any other.
"""

import os
import sqlite3.dbapi2

_trace = os.open(os.environ["BENCH_TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_connect = sqlite3.dbapi2.connect
_BYTES = {"BEGIN": b"B", "COMMIT": b"C", "END": b"C", "ROLLBACK": b"R"}


def _write_down(statement: str) -> None:
    if not statement.startswith("--"):  # a trigger's part of a statement
        os.write(_trace, _BYTES.get(statement.split(None, 1)[0].upper(), b"s"))


def _traced(*arguments: object, **options: object) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*arguments, **options)  # type: ignore[call-overload]
    connection.set_trace_callback(_write_down)
    return connection


for _module in (sqlite3, sqlite3.dbapi2):
    _module.connect = _traced  # type: ignore[attr-defined]

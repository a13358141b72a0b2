"""
What a driver raises, in the domain's words: no error of a driver leaves the store.

The question is always the same: would the same statement succeed later, without a change of ours?
"""

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from worker.payouts.errors import StoreBusy, StoreFault, StoreUnavailable

#: Classes of SQLSTATE that pass: connection, authorization, rollback (a deadlock), resources, a
#: lock, an operator's doing (timeouts, shutdown), the server's system. All others are for good.
_PASSING_CLASSES = {"08", "28", "3D", "40", "53", "55", "57", "58"}

#: Somebody else's lock: a deadlock that was broken, and one that was waited for long enough.
_HELD = {"40P01", "55P03"}

#: A transaction was idle too long.
_PASSING = {"25P03"}

#: A write where none may be: it passes if the server is a standby for now, which whoever keeps the
#: connections knows; in a transaction that was begun for reading it is for good.
READ_ONLY = "25006"

#: SQLite's result codes that pass, without their details in the upper bits.
_SQLITE_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_SCHEMA,
}

#: SQLite names no type for these, but says what is missing.
_OURS = ("no such table", "no such column", "no column named")

#: What a value causes that a type or a driver cannot take, or cannot give: an overflow, half a
#: character, a status of a newer version. SQLAlchemy lets these through as they are.
_VALUE_ERRORS = (ArithmeticError, ValueError, LookupError)


@contextmanager
def translated() -> Iterator[None]:
    """
    Raise `StoreUnavailable` or `StoreFault` in place of whatever SQLAlchemy or a driver raises.

    The message holds the driver's own words for what passes (a lost connection, a lock, a full
    disk), and only the error's name for the rest: what a constraint complains of may be data.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreUnavailable("no connection was free in time") from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or passes(error.orig):
            raise _kind(error.orig)(_first_line(error.orig)) from error
        raise StoreFault(_name(error.orig or error)) from error
    except exc.StatementError as error:
        raise StoreFault(_name(error.orig or error)) from error
    except (psycopg.Error, sqlite3.Error) as error:
        if passes(error):
            raise _kind(error)(_first_line(error)) from error
        raise StoreFault(_name(error)) from error
    except exc.SQLAlchemyError as error:
        raise StoreFault(_name(error)) from error
    except _VALUE_ERRORS as error:
        if not _arose_in_a_statement(error):
            raise  # what the domain decides within a transaction has errors of its own
        raise StoreFault(_name(error)) from error


def passes(error: BaseException | None) -> bool:
    """
    Whether what a driver raised may be gone at the next try.
    """
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state is None:  # the client's own word: no connection, or none any more
            return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return state[:2] in _PASSING_CLASSES or state in _PASSING
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _SQLITE_PASSING
    return False


def _kind(error: BaseException | None) -> type[StoreUnavailable]:
    """
    Whether all of the database is away, or one row of it.
    """
    held = isinstance(error, psycopg.Error) and error.sqlstate in _HELD
    return StoreBusy if held else StoreUnavailable


def _arose_in_a_statement(error: BaseException) -> bool:
    """
    Whether SQLAlchemy was at work on a statement or its result, and not only on a transaction.
    """
    return any(
        frame.f_globals.get("__name__", "").startswith("sqlalchemy.")
        and frame.f_code.co_name != "begin"  # every error in a transaction passes through it
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def _first_line(error: BaseException | None) -> str:
    """
    The driver's message without what follows its first line, which may be data.
    """
    return str(error).partition("\n")[0]


def _name(error: BaseException) -> str:
    """
    The error's name; with the words where SQLite misses a table or a column, which are ours.
    """
    words = _first_line(error)
    if isinstance(error, sqlite3.OperationalError) and words.startswith(_OURS):
        return words
    return type(error).__name__

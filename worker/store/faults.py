"""
What a driver raises, in the domain's words: no error of a driver leaves the store.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc

from worker.payouts.errors import StoreFault, StoreUnavailable

#: SQLite says `OperationalError` for these too, but no repetition makes them go away.
_OURS = ("no such table", "no such column", "no column named", "syntax error")


@contextmanager
def translated() -> Iterator[None]:
    """
    Raise `StoreUnavailable` or `StoreFault` in place of whatever SQLAlchemy raises.

    The message holds the driver's own words for a lost connection, a lock or a full disk, and only
    the error's name for the rest: what a constraint complains of may be data.
    """
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError) as error:
        cause = first_line(error)
        if any(words in cause for words in _OURS):
            raise StoreFault(cause) from error
        raise StoreUnavailable(cause) from error
    except exc.TimeoutError as error:
        raise StoreUnavailable("no connection was free in time") from error
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable(first_line(error)) from error
        raise StoreFault(_name(error)) from error
    except exc.SQLAlchemyError as error:
        raise StoreFault(_name(error)) from error


def first_line(error: exc.DBAPIError) -> str:
    """
    The driver's message without what follows its first line, which may be data.
    """
    return str(error.orig).partition("\n")[0]


def place(url: str | sa.URL) -> str:
    """
    A database URL, shortened to kind, host and name. Raises `ValueError` if it is none.
    """
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise ValueError("this is not a database URL") from None
    host = parsed.host or ""
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.get_backend_name()}://{host}{port}/{parsed.database or ''}"


def _name(error: exc.SQLAlchemyError) -> str:
    return type(getattr(error, "orig", None) or error).__name__

"""
The errors that a command expects, each told in one line that says what to do.
"""

from urllib.parse import urlsplit

from kombu.exceptions import OperationalError as BrokerAway
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from worker.jdpay.errors import WireError
from worker.payouts.errors import PayoutError
from worker.settings import BrokerSettings, SettingsError, StoreSettings


class NotFound(Exception):
    """
    What a command was asked about does not exist.
    """


FAULTS = (
    NotFound,
    SettingsError,
    PayoutError,
    WireError,
    SQLAlchemyError,
    BrokerAway,
    OSError,
)


def explain(fault: Exception) -> str:
    """
    Say what went wrong, without secrets and without statements.
    """
    match fault:
        case SQLAlchemyError():
            return f"the database {_database()} cannot be used: {database_cause(fault)}"
        case BrokerAway():
            return f"the broker {broker()} cannot be reached: {fault}"
        case OSError(filename=name, strerror=cause) if name and cause:
            return f"{name}: {cause}"
        case _:
            return str(fault)


def database_cause(fault: SQLAlchemyError) -> str:
    """
    Why the database cannot be used, in the driver's own words where they hold no data.
    """
    if isinstance(fault, ArgumentError):
        return "PAYOUTS_DATABASE_URL is not a database URL"
    # Only connections and locks are told in full: what a constraint complains of may be data.
    if isinstance(fault, OperationalError):
        return str(fault.orig).partition("\n")[0]
    return type(fault).__name__


def place(url: str) -> str:
    """
    A database URL, shortened to kind, host and name.
    """
    parsed = make_url(url)
    host = parsed.host or ""
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.get_backend_name()}://{host}{port}/{parsed.database or ''}"


def broker() -> str:
    """
    The broker's address without user and password.
    """
    url = urlsplit(BrokerSettings.load().broker_url.get_secret_value())
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.hostname or ''}{port}"


def _database() -> str:
    try:
        return place(StoreSettings.load().database_url.get_secret_value())
    except ArgumentError:
        return "that is configured"

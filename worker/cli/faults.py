"""
The errors that a command expects, each told in one line that says what to do.
"""

from urllib.parse import urlsplit

from kombu.exceptions import OperationalError as BrokerAway

from worker.payouts.errors import PayoutError, StoreFault, StoreUnavailable
from worker.settings import BrokerSettings, StoreSettings
from worker.store.faults import place

FAULTS = (PayoutError, BrokerAway, OSError)


def explain(fault: Exception) -> str:
    """
    Say what went wrong, without secrets and without statements.
    """
    match fault:
        case StoreUnavailable() | StoreFault():
            return f"the database {_database()} cannot be used: {fault}"
        case BrokerAway():
            return f"the broker {broker()} cannot be reached: {fault}"
        case OSError(filename=name, strerror=cause) if name and cause:
            return f"{name}: {cause}"
        case _:
            return str(fault)


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
    except ValueError:
        return "that is configured"

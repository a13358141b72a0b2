"""
The errors that a command expects, each told in one line that says what to do.
"""

from urllib.parse import urlsplit

from worker.payouts.errors import (
    BadKeyring,
    PayoutError,
    ProfileMismatch,
    SettingsError,
    StoreFault,
    StoreUnavailable,
    WrongKey,
)
from worker.settings import BrokerSettings, StoreSettings
from worker.store.address import place

FAULTS = (PayoutError, OSError)


def explain(fault: Exception) -> str:
    """
    Say what went wrong, without secrets and without statements.
    """
    match fault:
        case StoreUnavailable() | StoreFault():
            return f"the database {_database()} cannot be used: {fault}"
        case ProfileMismatch():
            remedy = "correct PAYOUTS_PROFILE or PAYOUTS_DATABASE_URL"
            return f"the database {_database()} cannot be used: {fault}; {remedy}"
        case WrongKey():
            return (
                f"no key of PAYOUTS_KEYRING opens what the database {_database()} holds; put the"
                " key that sealed it back, behind the others, with a comma between"
            )
        case BadKeyring():
            return f"PAYOUTS_KEYRING: {fault}; `payouts keygen` makes one"
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
    except (ValueError, SettingsError):
        return "that is configured"

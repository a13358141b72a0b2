"""
The errors that a command expects, each told in one line that says what to do.
"""

from datetime import datetime
from urllib.parse import urlsplit

from worker.payouts.errors import (
    BadKeyring,
    BrokenSeal,
    NotAllowed,
    PayoutError,
    ProfileMismatch,
    SettingsError,
    StoreFault,
    StoreUnavailable,
    WrongKey,
)
from worker.settings import BrokerSettings, StoreSettings
from worker.store.address import place
from worker.views.formats import cell, iso

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
                f"PAYOUTS_KEYRING lacks a key of the database {_database()}: {_cause(fault)};"
                " put it back, behind the others, with a comma between"
            )
        case BrokenSeal():
            return f"the database {_database()} cannot be used: {_cause(fault)}"
        case NotAllowed(possible_from=datetime() as at):
            return f"{fault}; possible from {cell(at)}"
        case BadKeyring():
            return f"PAYOUTS_KEYRING: {fault}; `payouts keygen` makes one"
        case OSError(filename=name, strerror=cause) if name and cause:
            return f"{name}: {cause}"
        case _:
            return str(fault)


def document(fault: Exception) -> dict[str, object]:
    """
    The same for a program, with the time from which it is possible where that is known.
    """
    told: dict[str, object] = {"error": explain(fault)}
    if isinstance(fault, NotAllowed) and fault.possible_from is not None:
        told["possible_from"] = iso(fault.possible_from)
    return told


def broker() -> str:
    """
    The broker's address without user and password.
    """
    url = urlsplit(BrokerSettings.load().broker_url.get_secret_value())
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.hostname or ''}{port}"


def _cause(fault: Exception) -> str:
    return str(fault).removesuffix(".")


def _database() -> str:
    try:
        return place(StoreSettings.load().database_url.get_secret_value())
    except (ValueError, SettingsError):
        return "that is configured"

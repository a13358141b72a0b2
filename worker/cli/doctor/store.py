"""
The database: there, current, ours, readable, and its clock.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from worker import bootstrap
from worker.cli.doctor.clocks import compared
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.cli.faults import explain
from worker.cli.sending import look_up
from worker.payouts.errors import (
    BadKeyring,
    BrokenSeal,
    SettingsError,
    StoreFault,
    StoreUnavailable,
    WrongKey,
)
from worker.settings import ReceiverSettings, StoreSettings
from worker.store import revision
from worker.store.database import Database
from worker.views.advice import is_stopped
from worker.views.formats import cell, counted

#: What to do, by words that the database, its client or a pooler has for a fault.
_REMEDIES = {
    "read-only": (
        "PAYOUTS_DATABASE_URL leads to a standby, or database or role are set to read-only: name"
        " the primary, or all hosts (?host=one:5432&host=two:5432), of which the primary is taken"
    ),
    "readonly": "let this user write the database's file and the folder that it is in",
    "InsufficientPrivilege": (
        "let the database's user SELECT, INSERT, UPDATE and DELETE in all tables, or own them"
    ),
    "startup parameter": (
        "a pooler refuses what the URL asks of the server: remove it from PAYOUTS_DATABASE_URL, or"
        " add it to the pooler's ignore_startup_parameters; limits are set in each transaction"
    ),
    "transaction blocks": (
        "a pooler gives each statement a session of its own, so that nothing is safe: set its"
        " pool_mode to transaction or session"
    ),
}
_ELSE = "start it, or correct PAYOUTS_DATABASE_URL; nothing is lost meanwhile"


def database() -> Iterator[Finding]:
    """
    The database answers, has the expected tables, and belongs to this profile.
    """
    settings = StoreSettings.load()
    try:
        yield from _looked_at(settings)
    except SettingsError as error:
        yield fault(str(error), "write it as .env.example does")
    except (StoreUnavailable, StoreFault) as error:
        told = explain(error)
        fitting = (remedy for words, remedy in _REMEDIES.items() if words in told)
        yield fault(told, next(fitting, _ELSE))


def channel() -> Iterator[Finding]:
    """
    Nothing stops the sending: no pause, no rest, no doubt after a restore.
    """
    settings = ReceiverSettings.load()
    merchant = settings.customer_no
    try:
        with bootstrap.database(settings) as found_database:
            found = look_up(found_database.ledger(bootstrap.keyring(settings)), merchant)
    except (StoreUnavailable, StoreFault, BadKeyring):
        yield warning("not looked at: the database cannot be read", "see the database's findings")
        return
    switch = found.channel
    if switch.is_paused:
        yield fault(
            f"sending is paused since {cell(switch.paused_at)}, by {switch.paused_by}:"
            f" {switch.paused_why}",
            "fix the cause, then `payouts resume --why ...`; queries go on meanwhile",
        )
    if switch.rests_at(found.now):
        yield warning(
            f"sending rests until {cell(switch.broken_until)}, since most of what was sent ended as"
            " unknown",
            "it goes on by itself; is JD, or the way to it, out of order?",
        )
    if found.in_doubt:
        yield warning(
            "nothing is sent since the database was restored: JD has still to answer for"
            f" {counted(found.in_doubt, 'payout')}",
            "they are asked by themselves while beat and a worker run",
        )
    if not is_stopped(found):
        yield ok(f"payouts of merchant {merchant} are sent")


def _looked_at(settings: StoreSettings) -> Iterator[Finding]:
    with bootstrap.database(settings) as found_database:
        yield compared("the database's", found_database.now(), datetime.now(UTC))
        found, expected = found_database.revision(), revision.EXPECTED
        if found != expected:
            yield fault(
                f"the schema is {found or 'missing'}, this version expects {expected}",
                "run `payouts migrate`; if the schema is newer, run the newer version",
            )
            return
        yield ok(f"the schema is current, {found}")
        if found_database.is_pooled():
            yield ok("it is reached through a pooler; each transaction sets its own limits")
        found_database.check_writable()
        yield ok("it can be written to")
        yield _fences(found_database.fallen_fences())
        yield _profile(found_database, settings.profile)
        yield _keyring(found_database, settings)


def _fences(fallen: Sequence[str]) -> Finding:
    if fallen:
        return warning(
            f"nothing keeps what is written in {', '.join(fallen)}: triggers were taken away or"
            " switched off",
            "find out who did; `payouts audit --evidence` says what was changed since",
        )
    return ok("what is written down is kept by triggers")


def _profile(found: Database, profile: str) -> Finding:
    recorded = found.profile()
    if recorded is None:
        return ok("it has no profile yet; its first use records one")
    if recorded != profile:
        return fault(
            f"the database belongs to the {recorded} profile, PAYOUTS_PROFILE says {profile}",
            "give each profile a database of its own",
        )
    return ok(f"it belongs to the {recorded} profile")


def _keyring(found: Database, settings: StoreSettings) -> Finding:
    """
    Whether all keys in use are here, and open the newest payout: a lost key would stop the worker.
    """
    try:
        keyring = bootstrap.keyring(settings)
        found.check_keyring(keyring)
        ledger = found.ledger(keyring)
        for newest in ledger.payouts(None, 1):
            ledger.order(newest.id)
    except BadKeyring as error:
        return fault(f"PAYOUTS_KEYRING: {error}", "`payouts keygen` makes one")
    except WrongKey as error:
        return fault(
            f"PAYOUTS_KEYRING lacks a key: {str(error).removesuffix('.')}",
            "put the key that sealed it back, behind the others, with a comma between",
        )
    except BrokenSeal as error:
        return fault(str(error).removesuffix("."), "pause sending; who can write to the database?")
    return ok("the keyring opens what is stored")

"""
The database: there, current, ours, readable, and its clock.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from worker import bootstrap
from worker.cli import lookup
from worker.cli.doctor.clocks import compared
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.cli.faults import explain
from worker.cli.output import cell
from worker.settings import ReceiverSettings, StoreSettings
from worker.store import migrate
from worker.store.clock import database_now
from worker.store.engine import reading
from worker.store.errors import BadKey, WrongKey
from worker.store.ledger import SqlLedger


def database() -> Iterator[Finding]:
    """
    The database answers, has the expected tables, and belongs to this profile.
    """
    settings = StoreSettings.load()
    try:
        with lookup.database() as engine:
            with reading(engine).begin() as conn:
                there = database_now(conn)
            yield compared("the database's", there, datetime.now(UTC))
            found, expected = migrate.current(engine), migrate.head()
            if found != expected:
                yield fault(
                    f"the schema is {found or 'missing'}, this version expects {expected}",
                    "run `payouts migrate`; if the schema is newer, run the newer version",
                )
                return
            yield ok(f"the schema is current, {found}")
            yield _profile(engine, settings.profile)
            yield _keyring(engine, settings)
    except SQLAlchemyError as error:
        yield fault(
            explain(error), "start it, or correct PAYOUTS_DATABASE_URL; nothing is lost meanwhile"
        )


def channel() -> Iterator[Finding]:
    """
    Sending is not paused.
    """
    member = ReceiverSettings.load().customer_no
    try:
        found = lookup.channel(member)
    except SQLAlchemyError:
        yield warning("not looked at: the database cannot be read", "see the database's findings")
        return
    if found.is_paused:
        yield fault(
            f"sending is paused since {cell(found.paused_at)}, by {found.paused_by}:"
            f" {found.paused_why}",
            "mend the cause, then `payouts resume --why ...`; queries go on meanwhile",
        )
    else:
        yield ok(f"payouts of member {member} are sent")


def _profile(engine: sa.Engine, profile: str) -> Finding:
    stamped = lookup.stamped_profile(engine)
    if stamped is None:
        return ok("not stamped yet; its first use does it")
    if stamped != profile:
        return fault(
            f"the database belongs to the {stamped} profile, PAYOUTS_PROFILE says {profile}",
            "give each profile a database of its own",
        )
    return ok(f"it belongs to the {stamped} profile")


def _keyring(engine: sa.Engine, settings: StoreSettings) -> Finding:
    """
    Whether the newest payout can be opened: a lost key would stop the worker.
    """
    try:
        SqlLedger(engine, bootstrap.keyring(settings)).payouts(None, 1)
    except BadKey as error:
        return fault(f"PAYOUTS_KEYRING: {error}", "`payouts keygen` makes one")
    except WrongKey:
        return fault(
            "no key of PAYOUTS_KEYRING opens the newest payout",
            "put the key that sealed it back, behind the others, with a comma between",
        )
    return ok("the keyring opens what is stored")

"""
Looking up what a person names: a payout by its number or id, a case, a channel.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from worker import bootstrap
from worker.cli.faults import NotFound
from worker.payouts.model import Case
from worker.settings import SettingsError, StoreSettings
from worker.store import rows
from worker.store.engine import create_engine, reading
from worker.store.tables import cases, channels, installation, payouts


@dataclass(frozen=True, slots=True)
class Channel:
    """
    Whether one member's payouts may be sent, who last changed that, and why.
    """

    customer_no: str
    paused_at: datetime | None = None
    paused_why: str | None = None
    paused_by: str | None = None
    resumed_at: datetime | None = None
    resumed_why: str | None = None
    resumed_by: str | None = None
    #: Replies in a row that did not verify.
    unverifiable: int = 0
    #: Until when the circuit breaker stops sending, or stopped it.
    broken_until: datetime | None = None

    @property
    def is_paused(self) -> bool:
        """
        Whether nothing is sent for this member.
        """
        return self.paused_at is not None


@contextmanager
def database() -> Iterator[sa.Engine]:
    """
    The configured database, whatever state it is in.
    """
    url = StoreSettings.load().database_url.get_secret_value()
    try:
        engine = create_engine(url, "payouts command")
    except ValueError as fault:
        raise SettingsError(f"PAYOUTS_DATABASE_URL: {fault}") from None
    try:
        yield engine
    finally:
        engine.dispose()


def payout_ids(number: str) -> list[int]:
    """
    The payouts that have an order number: each member may have one.
    """
    found = sa.select(payouts.c.id).where(payouts.c.out_trade_no == number).order_by(payouts.c.id)
    with database() as engine, reading(engine).begin() as conn:
        return list(conn.scalars(found))


def payout_id(number: str) -> int:
    """
    The one payout that has this order number, or else this id. Raises `NotFound`.
    """
    bootstrap.ledger()  # refuses a database that is not current or not ours
    found = payout_ids(number)
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise NotFound(f"several members have a payout {number}: name one of them by its id, {ids}")
    if found:
        return found[0]
    if number.isascii() and number.isdigit() and len(number) < 19 and _has_payout(int(number)):
        return int(number)
    raise NotFound(
        f"there is no payout {number}; if its job was just enqueued, no worker has taken it yet, or"
        " it was rejected (`payouts rejections`)"
    )


def case(case_id: int) -> Case:
    """
    One case, open or closed. Raises `NotFound`.
    """
    bootstrap.ledger()  # refuses a database that is not current or not ours
    with database() as engine, reading(engine).begin() as conn:
        row = conn.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no case {case_id}")
    return rows.to_case(row)


def channel(customer_no: str) -> Channel:
    """
    The switch of one member; a member that was never paused has none yet, and may send.
    """
    wanted = sa.select(channels).where(channels.c.customer_no == customer_no)
    with database() as engine, reading(engine).begin() as conn:
        row = conn.execute(wanted).mappings().one_or_none()
    return Channel(customer_no) if row is None else Channel(**row)


def stamped_profile(engine: sa.Engine) -> str | None:
    """
    The profile that a migrated database belongs to; None before it was first used.
    """
    with reading(engine).begin() as conn:
        return conn.scalar(sa.select(installation.c.profile))


def _has_payout(row_id: int) -> bool:
    found = sa.select(payouts.c.id).where(payouts.c.id == row_id)
    with database() as engine, reading(engine).begin() as conn:
        return conn.scalar(found) is not None

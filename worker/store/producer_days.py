"""
What of a limited producer's was claimed in a day, counted in the transaction that claims.

A producer's row is held after its payouts and their debts, and several by their names: in one order
everywhere, so nobody waits for somebody who waits for him. It is vouched for, and whoever limits a
producer makes it: one that is missing was taken away.
"""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import astuple
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import BrokenSeal
from worker.payouts.model import Payee, Payout
from worker.payouts.policy.producer_limits import ProducerDay, began_at, day_of, given_back
from worker.store import rows
from worker.store.control_tables import producer_days
from worker.store.seals import Seals
from worker.store.tables import payouts
from worker.store.types import UtcDateTime
from worker.store.writes import insert_new

_NAMES = ("producer", "day", "claimed_fen", "new_payees")
_PRODUCERS = sa.bindparam("producers", expanding=True, type_=sa.String)
_HELD = (
    sa.select(producer_days)
    .where(producer_days.c.producer.in_(_PRODUCERS))
    .order_by(producer_days.c.producer)
    .with_for_update()
)
_WRITE = (
    sa.update(producer_days)
    .where(producer_days.c.producer == sa.bindparam("whose"))
    .values({name: sa.bindparam(name) for name in (*_NAMES, "seal")})
)

#: Of each payee the newest payout of a producer's that was ever claimed.
_CLAIMED = (
    sa.select(sa.func.max(payouts.c.id))
    .where(
        payouts.c.payee_digest.in_(sa.bindparam("digests", expanding=True)),
        payouts.c.producer.in_(_PRODUCERS),
        payouts.c.first_sent_at.is_not(None),
    )
    .group_by(payouts.c.producer, payouts.c.payee_digest)
)
_SENT_IN = sa.select(payouts.c.amount_fen, payouts.c.payee_digest, payouts.c.released_at).where(
    payouts.c.producer == sa.bindparam("producer"),
    payouts.c.first_sent_at >= sa.bindparam("since", type_=UtcDateTime),
)
_SENT_BEFORE = (
    sa.select(payouts.c.payee_digest)
    .distinct()
    .where(
        payouts.c.producer == sa.bindparam("producer"),
        payouts.c.payee_digest.in_(sa.bindparam("digests", expanding=True)),
        payouts.c.first_sent_at < sa.bindparam("since", type_=UtcDateTime),
    )
)


def hold_days(
    conn: sa.Connection, producers: Collection[str], seals: Seals
) -> Mapping[str, ProducerDay]:
    """
    Hold the days of limited producers. Raises `BrokenSeal` where one is not what was written.
    """
    found = conn.execute(_HELD, {"producers": sorted(producers)}).mappings().all()
    days = {row["producer"]: _to_day(row) for row in found if _is_ours(row, seals)}
    if days.keys() != {*producers}:
        raise BrokenSeal
    return days


def write_days(conn: sa.Connection, days: Iterable[ProducerDay], seals: Seals) -> None:
    """
    Write days that are held.
    """
    changed = [{"whose": day.producer, **_columns(day, seals)} for day in days]
    if changed:
        conn.execute(_WRITE, changed)


def known_payees(
    conn: sa.Connection, payees: Mapping[str, Collection[Payee]], seals: Seals
) -> Set[tuple[str, str]]:
    """
    To which of these payees payouts of their producers were claimed before, by today's digests.

    What is found is opened: by a digest alone anybody could make a payee pass for one.
    """
    digests = {d for own in payees.values() for payee in own for d in seals.payee_digests(payee)}
    asked = {"digests": sorted(digests), "producers": sorted(payees)}
    ids = conn.scalars(_CLAIMED, asked).all()
    if not ids:
        return frozenset()
    found = conn.execute(sa.select(payouts).where(payouts.c.id.in_(ids))).mappings()
    return {
        (row["producer"], seals.payee_digest(rows.to_payee(row, seals)))
        for row in found
        if rows.to_payout(row, seals).is_intact
    }


def begin_day(conn: sa.Connection, producer: str, now: datetime, seals: Seals) -> None:
    """
    Count what was claimed of a producer's today, whose limits are about to change.
    """
    asked = {"producer": producer, "since": began_at(now)}
    sent = conn.execute(_SENT_IN, asked).all()
    today = {row.payee_digest for row in sent if row.payee_digest is not None}
    before = {*conn.scalars(_SENT_BEFORE, {**asked, "digests": sorted(today)})}
    claimed_fen = sum(row.amount_fen for row in sent if row.released_at is None)
    day = ProducerDay(producer, day_of(now), claimed_fen, len(today - before))
    columns = _columns(day, seals)
    if insert_new(conn, producer_days, **columns) is None:
        write_days(conn, [day], seals)


def give_back(conn: sa.Connection, payout: Payout, now: datetime, seals: Seals) -> None:
    """
    Give its room back to the producer of a payout whose debt is free now, which is held.
    """
    if payout.first_sent_at is None or day_of(payout.first_sent_at) != day_of(now):
        return
    for row in conn.execute(_HELD, {"producers": [payout.producer]}).mappings().all():
        day = _to_day(row)
        after = given_back(day, payout.first_sent_at, payout.amount_fen)
        if after != day and _is_ours(row, seals):
            write_days(conn, [after], seals)


def _is_ours(row: RowMapping, seals: Seals) -> bool:
    return seals.vouches(producer_days.c.seal, row)


def _to_day(row: RowMapping) -> ProducerDay:
    return ProducerDay(*(row[name] for name in _NAMES))


def _columns(day: ProducerDay, seals: Seals) -> dict[str, object]:
    facts = dict(zip(_NAMES, astuple(day), strict=True))
    return {**facts, "seal": seals.vouch(producer_days.c.seal, facts)}

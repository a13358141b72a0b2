"""
Payments that are alike: as much to the same payee for another debt, shortly before.

Who accepts one holds its payments by name until the end of the transaction, so that of two that
come at once the second finds the first. Payees are found by keyed digests.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.acceptance import Entry
from worker.payouts.status import PayoutStatus
from worker.store.seals import Seals
from worker.store.tables import payouts
from worker.store.types import UtcDateTime

_DEBT = payouts.c.obligation_id
#: What was withdrawn, or whose debt is free again, is no payment.
_ALIKE = (
    sa.select(payouts.c.payee_digest, payouts.c.amount_fen, sa.func.min(_DEBT), sa.func.max(_DEBT))
    .where(
        payouts.c.payee_digest.in_(sa.bindparam("digests", expanding=True)),
        payouts.c.amount_fen.in_(sa.bindparam("amounts", expanding=True)),
        payouts.c.accepted_at > sa.bindparam("since", type_=UtcDateTime),
        payouts.c.status != PayoutStatus.CANCELLED,
        payouts.c.released_at.is_(None),
    )
    .group_by(payouts.c.payee_digest, payouts.c.amount_fen)
)


def payments_like(entry: Entry, seals: Seals) -> Sequence[str]:
    """
    The names by which payments like this one are held; none where nobody asks.
    """
    if not entry.duplicates_within:
        return ()
    digests = seals.payee_digests(entry.order.payee)
    return [f"payment {digest} {entry.order.amount_fen}" for digest in digests]


def find_duplicates(
    conn: sa.Connection,
    entries: Mapping[int, Entry],
    debts: Mapping[int, int],
    now: datetime,
    seals: Seals,
) -> Set[int]:
    """
    The keys of those entries that pay what was to be paid for another debt shortly before.

    Their debts and their payments are held.
    """
    asked = {place: entry for place, entry in entries.items() if entry.duplicates_within}
    if not asked:
        return frozenset()
    digests = {place: seals.payee_digests(entry.order.payee) for place, entry in asked.items()}
    found = conn.execute(
        _ALIKE,
        {
            "digests": sorted({digest for own in digests.values() for digest in own}),
            "amounts": sorted({entry.order.amount_fen for entry in asked.values()}),
            "since": now - max(entry.duplicates_within for entry in asked.values()),
        },
    )
    paying = {(digest, amount_fen): {*own} for digest, amount_fen, *own in found}
    return {
        place
        for place, entry in asked.items()
        for digest in digests[place]
        if paying.get((digest, entry.order.amount_fen), set()) - {debts[place]}
    }

"""
What the ledger's rows say of payouts, to be held against what the gateway's books say.

Like `product`, it knows the product's inside. Times are aware UTC.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.evidence import Source
from worker.payouts.status import PayoutStatus
from worker.store.tables import evidence, payouts, transitions

_NUMBER = payouts.c.out_trade_no


@dataclass(frozen=True, slots=True)
class Asked:
    """
    When a payout was last sent, when JD was asked about it, and when its final status was known.
    """

    sent_at: datetime
    #: The questions that were answered, oldest first.
    questions: tuple[datetime, ...]
    finalized_at: datetime


def asked(connection: sa.Connection, numbers: Collection[str]) -> Mapping[str, Asked]:
    """
    The story of each of those payouts that has its final status.
    """
    answered = (
        sa.select(_NUMBER, evidence.c.asked_at)
        .join(evidence, evidence.c.payout_id == payouts.c.id)
        .where(evidence.c.source == Source.QUERY)
        .order_by(evidence.c.asked_at)
    )
    questions: dict[str, list[datetime]] = defaultdict(list)
    for number, at in connection.execute(answered):
        questions[number].append(at)
    final = sa.select(_NUMBER, payouts.c.last_sent_at, payouts.c.finalized_at).where(
        payouts.c.finalized_at.is_not(None)
    )
    return {
        number: Asked(sent_at, tuple(questions[number]), finalized_at)
        for number, sent_at, finalized_at in connection.execute(final)
        if number in numbers
    }


def count(connection: sa.Connection, status: str) -> int:
    """
    How many payouts have a status.
    """
    having = payouts.c.status == PayoutStatus(status)
    return connection.execute(sa.select(sa.func.count()).where(having)).scalar_one()


def leases(connection: sa.Connection) -> Mapping[str, datetime]:
    """
    Until when somebody owns each payout that is being sent.
    """
    sending = payouts.c.status == PayoutStatus.SENDING
    found = connection.execute(sa.select(_NUMBER, payouts.c.lease_until).where(sending))
    return {number: until for number, until in found if until is not None}


def moved_on(connection: sa.Connection) -> Mapping[str, datetime]:
    """
    When each payout that was ever sent first moved on from there.
    """
    from_sending = transitions.c.from_status == PayoutStatus.SENDING
    found = connection.execute(
        sa.select(_NUMBER, sa.func.min(transitions.c.at))
        .join(transitions, transitions.c.payout_id == payouts.c.id)
        .where(from_sending)
        .group_by(_NUMBER)
    )
    return dict(found.all())

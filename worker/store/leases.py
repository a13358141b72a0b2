"""
The lease under which a payout is on the wire.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.model import Attempt, AttemptOutcome, Payout
from worker.payouts.status import PayoutStatus
from worker.payouts.update import end_lease
from worker.store.base import Base
from worker.store.bulk import BulkUpdate
from worker.store.channels import is_stopped
from worker.store.rows import to_attempt
from worker.store.seals import Seals
from worker.store.tables import attempts, payouts
from worker.store.types import UtcDateTime
from worker.store.vouching import attempt_seal
from worker.store.writes import Move, write_rows

_NOW = sa.bindparam("now", type_=UtcDateTime)

# Made once: making a statement costs more than the statement does.
_RENEW = (
    sa.update(payouts)
    .where(
        payouts.c.id == sa.bindparam("payout"),
        payouts.c.status == PayoutStatus.SENDING,
        payouts.c.lease_token == sa.bindparam("token"),
        payouts.c.lease_until > _NOW,
        ~is_stopped(_NOW),
    )
    .values(lease_until=sa.bindparam("until", type_=UtcDateTime))
)


def _lost(attempt: Attempt, now: datetime) -> Attempt:
    return replace(attempt, outcome=AttemptOutcome.LOST, detail="lease expired", closed_at=now)


#: Closes attempts, given by their columns.
CLOSE = BulkUpdate(attempts, {"attempt": attempts.c.id})


def closed_columns(payout: Payout, attempt: Attempt, seals: Seals) -> dict[str, object]:
    """
    What is written of an attempt that has ended.
    """
    return {
        "attempt": attempt.id,
        "outcome": attempt.outcome,
        "detail": attempt.detail,
        "closed_at": attempt.closed_at,
        "seal": attempt_seal(payout, attempt, seals),
    }


def end_leases(conn: sa.Connection, held: Sequence[Payout], now: datetime, seals: Seals) -> None:
    """
    Close, as lost, the open attempts of payouts whose lease has run out, and end the leases.

    Their rows are held.
    """
    by_id = {payout.id: payout for payout in held}
    running = sa.select(attempts).where(
        attempts.c.payout_id.in_([*by_id]), attempts.c.outcome.is_(None)
    )
    closed = [
        closed_columns(by_id[attempt.payout_id], _lost(attempt, now), seals)
        for attempt in map(to_attempt, conn.execute(running).mappings())
    ]
    if closed:
        CLOSE.execute(conn, closed)
    leased = [payout for payout in held if payout.lease_until is not None]
    ended = [Move(one, end_lease(one, one.lease_until or now, now)) for one in leased]
    if ended:
        write_rows(conn, ended, seals)


class Leases(Base):
    """
    Until when a payout may be put on the wire.
    """

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease; False unless it is still this attempt's and sending is allowed.
        """
        with self._writing() as (conn, now):
            owned = {"payout": attempt.payout_id, "token": attempt.lease_token, "now": now}
            return conn.execute(_RENEW, {**owned, "until": now + lease}).rowcount == 1

"""
Whether the database is still the one that the sweeps and the senders knew.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from worker.payouts.progress import Progress
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import ask_first
from worker.store.base import Base
from worker.store.health_tables import ended_epochs
from worker.store.rows import to_payout
from worker.store.tables import attempts, decisions, installation, payouts
from worker.store.writes import Move, write_rows

_UNFINISHED = payouts.c.status.in_([status for status in PayoutStatus if not status.is_final])
#: People ended it because nothing was sent, or nothing but what JD refused, as far as they knew.
_GIVEN_UP = sa.or_(
    payouts.c.status == PayoutStatus.CANCELLED, payouts.c.reason == Reason.FAILED_BY_HAND
)

#: So many payouts are written at once.
_AT_ONCE = 1_000

# Made once: each batch of claims asks it.
_COUNTED = sa.select(installation.c.uid, installation.c.sweep_count)
_REMEMBERED = _COUNTED.add_columns(
    *(
        sa.exists()
        .where(
            attempts.c.id == sa.bindparam(f"{whose}_attempt", type_=sa.BigInteger),
            attempts.c.lease_token == sa.bindparam(f"{whose}_token", type_=sa.String),
        )
        .label(f"has_{whose}")
        for whose in ("known", "own")
    )
)


class EpochStore(Base):
    """
    How far the database has come, and its epochs.
    """

    def sweep_count(self) -> Progress:
        """
        How many sweeps this database has counted.
        """
        with self._snapshot() as conn:
            return Progress(*conn.execute(_COUNTED).one())

    def count_sweep(self) -> Progress:
        """
        Count one more sweep, at the database's time.
        """
        with self._writing() as (conn, now):
            counted = conn.execute(
                sa.update(installation)
                .values(sweep_count=installation.c.sweep_count + 1, swept_at=now)
                .returning(installation.c.uid, installation.c.sweep_count)
            )
            return Progress(*counted.one())

    def has_forgotten(self, known: Progress, own: Progress | None = None) -> bool | None:
        """
        Whether this database lacks something of what is known; None if that is of another epoch.

        `own` is the asker's newest attempt, where there is one: it may be lost by now, too.
        """
        own = own or known
        named = {
            "known_attempt": known.attempt_id,
            "known_token": known.token,
            "own_attempt": own.attempt_id,
            "own_token": own.token,
        }
        with self._snapshot() as conn:
            row = conn.execute(_REMEMBERED, named).one()
        if row.uid != known.uid:
            return None
        lacks_known = known.attempt_id and not row.has_known
        lacks_own = own.attempt_id and not row.has_own
        return bool(row.sweep_count < known.sweeps or lacks_known or lacks_own)

    def epochs_before(self, uid: str) -> Collection[str]:
        """
        Every epoch before this one; none if another one has begun since.
        """
        present = installation.c.uid == uid
        ended = sa.select(ended_epochs.c.uid).where(sa.exists().where(present))
        # A worker of the version before that began this epoch wrote it here alone.
        last = sa.select(installation.c.uid_before).where(
            present, installation.c.uid_before.is_not(None)
        )
        with self._snapshot() as conn:
            return {*conn.scalars(ended), *conn.scalars(last)}

    def begin_epoch(self, who: str, why: str, ask_first_for: timedelta) -> int:
        """
        Raise the epoch, and ask about every unfinished payout before anything is sent.

        And about those that people gave up of late: between a failover and its being noticed they
        may have done so of a payout that was sent.

        Returns how many there are. The epoch has a name of its own, so that nobody takes what was
        known of the one before for what this one has forgotten.
        """
        with self._writing() as (conn, now):
            begun = sa.update(installation).values(
                epoch=installation.c.epoch + 1,
                uid=self._new_token(),
                uid_before=installation.c.uid,
                restored_at=now,
                ask_first_until=now + ask_first_for,
            )
            before = conn.scalar(begun.returning(installation.c.uid_before))
            conn.execute(sa.insert(ended_epochs).values(uid=before, ended_at=now))
            doubted = self._doubt(conn, now, ask_first_for)
            conn.execute(
                sa.insert(decisions).values(action="restored", who=who, why=why, proof=[], at=now)
            )
            return doubted

    def _doubt(self, conn: sa.Connection, now: datetime, ask_first_for: timedelta) -> int:
        wanted = _UNFINISHED | _GIVEN_UP & (payouts.c.finalized_at > now - ask_first_for)
        following = sa.select(payouts).where(wanted).order_by(payouts.c.id).limit(_AT_ONCE)
        count = last = 0
        while (
            found := conn.execute(following.where(payouts.c.id > last).with_for_update())
            .mappings()
            .all()
        ):
            known = [to_payout(row, self._seals) for row in found]
            write_rows(conn, [Move(one, ask_first(one, now)) for one in known], self._seals)
            count, last = count + len(known), known[-1].id
        return count

"""
Checkpoints over all payouts' histories: an older state of a payout, put back, lacks what one saw.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.checkpoint import Checkpoint, digest
from worker.store.base import Base
from worker.store.bulk import BulkInsert
from worker.store.checkpoint_tables import checkpoint_histories, checkpoints
from worker.store.clock import read_clock
from worker.store.keyring import Form
from worker.store.seals import Row
from worker.store.tables import decisions, payouts, transitions
from worker.store.writes import insert_new

#: So many records of a kind are looked at for one checkpoint; where there are more, the next one
#: follows at once.
_AT_ONCE = 20_000

_KINDS: Mapping[str, sa.Table] = {"transition": transitions, "decision": decisions}

_NEWEST = sa.select(checkpoints).order_by(checkpoints.c.id.desc()).limit(1)
_SEEN = sa.select(
    *(
        sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)).scalar_subquery().label(kind)
        for kind, table in _KINDS.items()
    )
)
_CHANGED = (
    sa.select(payouts.c.id, payouts.c.history)
    .where(
        payouts.c.id.in_(
            sa.union(
                *(
                    sa.select(table.c.payout_id).where(
                        table.c.id > sa.bindparam(f"{kind}_after", type_=sa.BigInteger),
                        table.c.id <= sa.bindparam(f"{kind}_until", type_=sa.BigInteger),
                    )
                    for kind, table in _KINDS.items()
                )
            )
        ),
        payouts.c.history.is_not(None),
    )
    .order_by(payouts.c.id)
)
_KEEP = BulkInsert(checkpoint_histories)
_FOLLOWING = (
    sa.select(checkpoints)
    .where(checkpoints.c.id > sa.bindparam("number", type_=sa.BigInteger))
    .order_by(checkpoints.c.id)
    .limit(50)
)
_HISTORIES = (
    sa.select(checkpoint_histories)
    .where(
        checkpoint_histories.c.checkpoint_id > sa.bindparam("number", type_=sa.BigInteger),
        checkpoint_histories.c.checkpoint_id <= sa.bindparam("last", type_=sa.BigInteger),
    )
    .order_by(checkpoint_histories.c.checkpoint_id, checkpoint_histories.c.payout_id)
)
_GONE = (
    sa.select(
        checkpoint_histories.c.payout_id,
        sa.func.max(checkpoint_histories.c.checkpoint_id).label("number"),
    )
    .where(~sa.exists().where(payouts.c.id == checkpoint_histories.c.payout_id))
    .group_by(checkpoint_histories.c.payout_id)
    .order_by(checkpoint_histories.c.payout_id)
)

#: Before the first.
_NONE: Row = {
    "id": 0,
    "digest": "",
    **{f"{kind}_{what}": 0 for kind in _KINDS for what in ("id", "seen")},
}


class Checkpoints(Base):
    """
    What was known of all histories, minute by minute.
    """

    def note_checkpoint(self, every: timedelta) -> Checkpoint | None:
        """
        Note which histories have changed, if the last checkpoint is so old; None if nothing did.

        It covers the records that the one before it saw: what was begun before the newest of them
        has long been committed, so none of them comes later.
        """
        with self._snapshot() as conn:
            newest = conn.execute(_NEWEST).mappings().one_or_none()
            if newest is not None and not _is_due(newest, read_clock(conn, self._clock), every):
                return None
        with self._writing() as (conn, now):
            newest = conn.execute(_NEWEST).mappings().one_or_none()
            if newest is not None and not _is_due(newest, now, every):
                return None
            if not self._seals.is_known(Form.CHAINED):
                return None
            return self._note(conn, now, newest)

    def _note(self, conn: sa.Connection, now: datetime, newest: Row | None) -> Checkpoint | None:
        before: Row = _NONE if newest is None else newest
        seen, row, span = conn.execute(_SEEN).one(), dict[str, Any](), dict[str, int]()
        for kind in _KINDS:
            covered, known = before[f"{kind}_id"], before[f"{kind}_seen"]
            until = min(known, covered + _AT_ONCE)
            row[f"{kind}_id"] = until
            # Where some are left over, the newest that was seen then stays the limit.
            row[f"{kind}_seen"] = known if until < known else getattr(seen, kind)
            span |= {f"{kind}_after": covered, f"{kind}_until": until}
        if all(row[name] == before[name] for name in row):
            return None
        changed = [(one.id, one.history) for one in conn.execute(_CHANGED, span)]
        number = before["id"] + 1
        row |= {"id": number, "at": now, "payouts": len(changed)}
        row["digest"] = digest(before["digest"], number, changed)
        seal = self._seals.vouch(checkpoints.c.seal, row)
        if insert_new(conn, checkpoints, **row, seal=seal) is None:
            return None  # someone else was quicker
        if changed:
            _KEEP.execute(
                conn,
                [
                    {"checkpoint_id": number, "payout_id": payout_id, "history": history}
                    for payout_id, history in changed
                ],
            )
        return _to_checkpoint(row)

    def checkpoint(self, number: int) -> Checkpoint | None:
        """
        The one with that number; None if there is none.
        """
        own = sa.select(checkpoints).where(checkpoints.c.id == number)
        with self._snapshot() as conn:
            found = conn.execute(own).mappings().one_or_none()
        return None if found is None else _to_checkpoint(found)

    def altered_checkpoints(self) -> Iterator[int]:
        """
        The numbers of those that are not what was written, and of those that are missing.
        """
        before, number = "", 0
        while block := self._following(number):
            for row, changed in block:
                yield from range(number + 1, row["id"])
                number = row["id"]
                is_told = digest(before, number, changed) == row["digest"]
                if not is_told or not self._seals.vouches(checkpoints.c.seal, row):
                    yield number
                before = row["digest"]

    def _following(self, number: int) -> Sequence[tuple[RowMapping, Sequence[tuple[int, str]]]]:
        """
        Some checkpoints behind that one, and what they saw.
        """
        with self._snapshot() as conn:
            rows = conn.execute(_FOLLOWING, {"number": number}).mappings().all()
            last = rows[-1]["id"] if rows else number
            changed = defaultdict[int, list[tuple[int, str]]](list)
            for one in conn.execute(_HISTORIES, {"number": number, "last": last}):
                changed[one.checkpoint_id].append((one.payout_id, one.history))
        return [(row, changed[row["id"]]) for row in rows]

    def gone(self) -> Sequence[tuple[int, int]]:
        """
        Payouts that a checkpoint saw and that are not there: their ids, and its number.
        """
        with self._snapshot() as conn:
            return [(row.payout_id, row.number) for row in conn.execute(_GONE)]


def newest_checkpoint(conn: sa.Connection) -> Checkpoint | None:
    """
    The last one; None before the first.
    """
    newest = conn.execute(_NEWEST).mappings().one_or_none()
    return None if newest is None else _to_checkpoint(newest)


def _is_due(newest: Row, now: datetime, every: timedelta) -> bool:
    is_behind = any(newest[f"{kind}_seen"] - newest[f"{kind}_id"] > _AT_ONCE for kind in _KINDS)
    return is_behind or newest["at"] + every <= now


def _to_checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(row["id"], row["at"], row["payouts"], row["digest"])

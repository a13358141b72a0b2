"""
Whether what is recorded of payouts is what was written: what their seals and chains tell.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.history import History
from worker.payouts.model import Dossier, Obligation
from worker.payouts.policy.obligation import normalized
from worker.store.base import Base
from worker.store.checkpoint_tables import checkpoint_histories
from worker.store.dossiers import read_dossiers
from worker.store.history import Links, read_links
from worker.store.rows import to_obligation, to_payout
from worker.store.tables import obligations, payouts

_IDS = sa.bindparam("ids", expanding=True, type_=sa.BigInteger)
_PAYOUTS = sa.select(payouts).where(payouts.c.id.in_(_IDS)).order_by(payouts.c.id)
_PAYING = (
    sa.select(obligations, sa.func.count(payouts.c.id).label("paying"))
    .join(payouts, payouts.c.obligation_id == obligations.c.id)
    .where(obligations.c.id.in_(sa.select(payouts.c.obligation_id).where(payouts.c.id.in_(_IDS))))
    .group_by(obligations.c.id)
)

_KNOWN = (
    sa.select(checkpoint_histories)
    .where(checkpoint_histories.c.payout_id.in_(_IDS))
    .order_by(checkpoint_histories.c.checkpoint_id)
)

_ROW = "its row, an attempt or a decision on it is missing or was changed, or its key is lost"
_MESSAGE = "evidence {} was changed, belongs elsewhere, or its key is lost"
_DEBT = "its debt was changed, payouts of it are missing, or its key is lost"
_OLDER = "checkpoint {} saw a newer state of it: an older one was put back"
_HISTORY = "a transition or a decision was changed, made up or taken away"


class Integrity(Base):
    """
    What an audit finds that nobody with a key has written.
    """

    def altered(self, payout_ids: Sequence[int]) -> Sequence[tuple[str, str]]:
        """
        What of some payouts is not what was written: the number, and what it is.

        Rows of versions that vouched for none are passed over.
        """
        with self._snapshot() as conn:
            ids = {"ids": payout_ids}
            rows = {row["id"]: row for row in conn.execute(_PAYOUTS, ids).mappings()}
            found = [to_payout(row, self._seals) for row in rows.values()]
            debts = {
                row["id"]: (to_obligation(row, self._seals), row["paying"])
                for row in conn.execute(_PAYING, ids).mappings()
            }
            links = read_links(conn, [*rows])
            seen = _seen(conn, payout_ids)
            return [
                (dossier.payout.out_trade_no, why)
                for dossier in read_dossiers(conn, found, self._seals)
                for why in _altered(
                    dossier, rows[dossier.payout.id], debts, links[dossier.payout.id], seen
                )
            ]


def _seen(
    conn: sa.Connection, payout_ids: Sequence[int]
) -> Mapping[int, Sequence[tuple[int, History]]]:
    """
    What checkpoints saw of payouts: their numbers, and the history that there was.
    """
    found = defaultdict[int, list[tuple[int, History]]](list)
    for row in conn.execute(_KNOWN, {"ids": payout_ids}):
        found[row.payout_id].append((row.checkpoint_id, History.parse(row.history)))
    return found


def _altered(
    dossier: Dossier,
    row: RowMapping,
    debts: Mapping[int, tuple[Obligation, int]],
    links: Links,
    seen: Mapping[int, Sequence[tuple[int, History]]],
) -> Iterator[str]:
    payout = dossier.payout
    if not payout.is_intact:
        yield _ROW
    for piece in dossier.evidence:
        if not piece.is_intact:
            yield _MESSAGE.format(piece.id)
    if row["obligation_id"] in debts and not _is_whole(dossier, *debts[row["obligation_id"]]):
        yield _DEBT
    history = payout.vouched and payout.vouched.history
    if history and history != links.end:
        yield _HISTORY
    for number, known in seen.get(payout.id, ()):
        if not links.had(known):
            yield _OLDER.format(number)
            break


def _is_whole(dossier: Dossier, debt: Obligation, paying: int) -> bool:
    if debt.payout_count is None:
        return dossier.payout.vouched is None
    is_named = debt.name == normalized(dossier.payout.obligation)
    return debt.is_intact and is_named and debt.payout_count == paying

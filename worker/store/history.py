"""
The records of what became of payouts, as their chains take them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from worker.payouts.history import DECISION, TRANSITION, History, Said, links
from worker.store.seals import Row
from worker.store.tables import decisions, transitions

_OF = sa.bindparam("payout_ids", expanding=True, type_=sa.BigInteger)


@dataclass(frozen=True, slots=True)
class Links:
    """
    Every link that a payout's records make, from the empty ones on.
    """

    transitions: Sequence[str]
    decisions: Sequence[str]

    @property
    def end(self) -> History:
        """
        The newest ones.
        """
        return History(self.transitions[-1], self.decisions[-1])

    def had(self, history: History) -> bool:
        """
        Whether the records were once just these, and others came later.
        """
        return history.transitions in self.transitions and history.decisions in self.decisions


def transition_said(row: Row) -> Said:
    """
    What a transition says, of its columns.
    """
    return [row[name] for name in TRANSITION]


def decision_said(row: Row) -> Said:
    """
    What a decision says, of its columns.
    """
    return [row[name] for name in DECISION]


def read_links(conn: sa.Connection, payout_ids: Sequence[int]) -> Mapping[int, Links]:
    """
    The chains of payouts' records as they stand.
    """
    moves = _read(conn, transitions, payout_ids)
    decided = _read(conn, decisions, payout_ids)
    return {
        payout_id: Links(
            *links(map(transition_said, moves[payout_id]), map(decision_said, decided[payout_id]))
        )
        for payout_id in payout_ids
    }


def read_history(conn: sa.Connection, payout_id: int) -> History:
    """
    Where the chains of a payout's records end as they stand.
    """
    return read_links(conn, [payout_id])[payout_id].end


def _read(
    conn: sa.Connection, table: sa.Table, payout_ids: Sequence[int]
) -> Mapping[int, Sequence[Row]]:
    own = sa.select(table).where(table.c.payout_id.in_(_OF)).order_by(table.c.id)
    found = defaultdict[int, list[Row]](list)
    for row in conn.execute(own, {"payout_ids": payout_ids}).mappings():
        found[row["payout_id"]].append(row)
    return found

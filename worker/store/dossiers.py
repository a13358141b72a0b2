"""
All that is known of a payout, as a transaction sees it.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NoSuchPayout
from worker.payouts.model import Dossier, Payout
from worker.payouts.proposal import Proposal
from worker.store import rows
from worker.store.people_tables import proposals
from worker.store.seals import Seals
from worker.store.tables import attempts, cases, evidence, payouts

_OF = sa.bindparam("payout_ids", expanding=True, type_=sa.BigInteger)


def _about(table: sa.Table, order: sa.Column[Any], *conditions: Any) -> sa.Select[Any]:
    return sa.select(table).where(table.c.payout_id.in_(_OF), *conditions).order_by(order)


# Made once: making a statement costs more than the statement does.
_ATTEMPTS = _about(attempts, attempts.c.number)
_EVIDENCE = _about(evidence, evidence.c.id)
_OPEN_CASES = _about(cases, cases.c.id, cases.c.closed_at.is_(None))


_DECIDED = sa.select(proposals).where(proposals.c.id.in_(_OF))


def _decided(conn: sa.Connection, found: Sequence[Payout]) -> dict[int, Proposal]:
    """
    The decisions that ended payouts: hardly any has one, so mostly nothing is asked.
    """
    ids = [payout.proposal_id for payout in found if payout.proposal_id is not None]
    if not ids:
        return {}
    read = conn.execute(_DECIDED, {"payout_ids": ids}).mappings()
    return {row["payout_id"]: rows.to_proposal(row) for row in read}


def read_row(conn: sa.Connection, payout_id: int) -> RowMapping:
    """
    A payout's row. Raises `NoSuchPayout`.
    """
    found = conn.execute(sa.select(payouts).where(payouts.c.id == payout_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NoSuchPayout(f"there is no payout {payout_id}")
    return row


def read_dossier(conn: sa.Connection, payout: Payout, seals: Seals) -> Dossier:
    """
    Everything known of a payout, given its row.
    """
    (dossier,) = read_dossiers(conn, [payout], seals)
    return dossier


def read_dossiers(
    conn: sa.Connection, found: Sequence[Payout], seals: Seals | None
) -> tuple[Dossier, ...]:
    """
    Everything known of several payouts, given their rows, in the same order.

    Without a keyring the raw forms of messages are left out, which decide nothing.
    """
    piece = rows.to_bare_evidence if seals is None else partial(rows.to_evidence, seals=seals)
    ids = [payout.id for payout in found]

    def grouped(asked: sa.Select[Any]) -> dict[int, list[Any]]:
        of: dict[int, list[Any]] = defaultdict(list)
        for row in conn.execute(asked, {"payout_ids": ids}).mappings():
            of[row["payout_id"]].append(row)
        return of

    tries, pieces, open_cases = (grouped(one) for one in (_ATTEMPTS, _EVIDENCE, _OPEN_CASES))
    decided = _decided(conn, found)
    return tuple(
        Dossier(
            payout=payout,
            attempts=tuple(rows.to_attempt(row) for row in tries[payout.id]),
            evidence=tuple(map(piece, pieces[payout.id])),
            open_cases=tuple(rows.to_case(row) for row in open_cases[payout.id]),
            decided=decided.get(payout.id),
        )
        for payout in found
    )

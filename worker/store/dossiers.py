"""
All that is known of a payout, as a transaction sees it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.errors import NoSuchPayout
from worker.payouts.evidence import Evidence
from worker.payouts.model import Dossier, Payout
from worker.store import rows
from worker.store.people_tables import proposals
from worker.store.seals import Row, Seals
from worker.store.tables import attempts, cases, evidence, payouts
from worker.store.vouching import is_attempt_of, is_proposal_of

_OF = sa.bindparam("payout_ids", expanding=True, type_=sa.BigInteger)


def _about(table: sa.Table, order: sa.Column[Any], *conditions: Any) -> sa.Select[Any]:
    return sa.select(table).where(table.c.payout_id.in_(_OF), *conditions).order_by(order)


# Made once: making a statement costs more than the statement does.
_ATTEMPTS = _about(attempts, attempts.c.number)
_EVIDENCE = _about(evidence, evidence.c.id)
_OPEN_CASES = _about(cases, cases.c.id, cases.c.closed_at.is_(None))


_DECIDED = sa.select(proposals).where(proposals.c.id.in_(_OF))


def _decided(conn: sa.Connection, found: Sequence[Payout]) -> dict[int, RowMapping]:
    """
    The decisions that ended payouts: hardly any has one, so mostly nothing is asked.
    """
    ids = [payout.proposal_id for payout in found if payout.proposal_id is not None]
    if not ids:
        return {}
    return {row["id"]: row for row in conn.execute(_DECIDED, {"payout_ids": ids}).mappings()}


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

    Without a keyring the raw forms of messages are left out, which decide nothing, and nobody looks
    whether all of it is what was written.
    """
    ids = [payout.id for payout in found]

    def grouped(asked: sa.Select[Any]) -> dict[int, list[Any]]:
        of: dict[int, list[Any]] = defaultdict(list)
        for row in conn.execute(asked, {"payout_ids": ids}).mappings():
            of[row["payout_id"]].append(row)
        return of

    tries, pieces, open_cases = (grouped(one) for one in (_ATTEMPTS, _EVIDENCE, _OPEN_CASES))
    decided = _decided(conn, found)
    return tuple(
        _dossier(
            payout,
            tries[payout.id],
            pieces[payout.id],
            open_cases[payout.id],
            decided.get(payout.proposal_id or 0),
            seals,
        )
        for payout in found
    )


def _dossier(
    payout: Payout,
    tries: Sequence[RowMapping],
    pieces: Sequence[RowMapping],
    open_cases: Sequence[RowMapping],
    decided: RowMapping | None,
    seals: Seals | None,
) -> Dossier:
    if seals is not None and not _is_whole(payout, tries, pieces, decided, seals):
        assert payout.vouched is not None
        payout = replace(payout, vouched=replace(payout.vouched, holds=False))
    return Dossier(
        payout=payout,
        attempts=tuple(rows.to_attempt(row) for row in tries),
        evidence=_pieces(payout, pieces, seals),
        open_cases=tuple(rows.to_case(row) for row in open_cases),
        decided=None if decided is None else rows.to_proposal(decided),
    )


def _is_whole(
    payout: Payout,
    tries: Sequence[RowMapping],
    pieces: Sequence[RowMapping],
    decided: RowMapping | None,
    seals: Seals,
) -> bool:
    """
    Whether what belongs to a payout is all there, and nothing else.
    """
    vouched = payout.vouched
    if vouched is None:
        return True
    numbers = [row["number"] for row in sorted(tries, key=lambda row: row["id"])]
    ids = [row["id"] for row in pieces]
    if payout.proposal_id is not None and (
        decided is None
        or decided["approved_at"] is None
        or not is_proposal_of(payout, decided, known_to(decided, ids), seals)
    ):
        return False
    return (
        numbers == sorted({*numbers})
        and len(tries) == vouched.attempts
        and len(pieces) == vouched.messages
        and all(is_attempt_of(payout, row, seals) for row in tries)
    )


def known_to(proposal: Row, message_ids: Iterable[int]) -> int:
    """
    How many of a payout's messages there were when it was proposed how that ended.
    """
    newest = proposal["evidence_id"] or 0
    return sum(message_id <= newest for message_id in message_ids)


def _pieces(
    payout: Payout, pieces: Sequence[RowMapping], seals: Seals | None
) -> tuple[Evidence, ...]:
    if seals is None:
        return tuple(map(rows.to_bare_evidence, pieces))
    return tuple(
        rows.to_evidence(row, seals)
        if _is_in_place(payout, row, count)
        else rows.to_broken_evidence(row)
        for count, row in enumerate(pieces, 1)
    )


def _is_in_place(payout: Payout, row: RowMapping, count: int) -> bool:
    """
    Whether a message is about this payout, and came after those before it.

    One that came before its payout has no place: none that has one comes before it.
    """
    if payout.vouched is None:
        return True
    of = (row["customer_no"], row["out_trade_no"])
    is_own = of == (payout.terms.customer_no, payout.out_trade_no)
    return is_own and row["place"] in {None, count}

"""
Reading everything, a block of payouts at a time: for an audit over millions of them.

One statement a table and block, all of a block in one snapshot, and none of it sealed.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.evidence import Answer, Evidence
from worker.payouts.model import (
    Attempt,
    Case,
    Dossier,
    Obligation,
    Payout,
    Terms,
    Transition,
)
from worker.payouts.people import Registrations
from worker.payouts.policy.actions import Action, Recorded
from worker.payouts.proposal import Proposal
from worker.payouts.record import Debt, Message, Record, Records
from worker.store import rows
from worker.store.base import Base
from worker.store.clock import read_clock
from worker.store.obligations import sharing
from worker.store.people_tables import people, proposals, services
from worker.store.tables import (
    attempts,
    cases,
    decisions,
    evidence,
    obligations,
    payouts,
    transitions,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

_IDS = sa.bindparam("ids", expanding=True, type_=sa.BigInteger)


def _fields(table: sa.Table, *kinds: "type[DataclassInstance]") -> list[sa.Column[Any]]:
    """
    The columns that have a value's fields, in their order: it is then made of them without names.
    """
    return [table.c[f.name] for kind in kinds for f in fields(kind) if f.name in table.c]


def _of_payouts(table: sa.Table, *kinds: "type[DataclassInstance]") -> sa.Select[Any]:
    found = sa.select(*_fields(table, *kinds)).where(table.c.payout_id.in_(_IDS))
    return found.order_by(table.c.number if table is attempts else table.c.id)


# Made once: making a statement costs more than the statement does.
_PAYOUTS = (
    sa.select(payouts.c.obligation_id, *_fields(payouts, Terms, Payout))
    .where(payouts.c.id.in_(_IDS))
    .order_by(payouts.c.id)
)
_ATTEMPTS = _of_payouts(attempts, Attempt)
_EVIDENCE = _of_payouts(evidence, Evidence, Answer)
_TRANSITIONS = _of_payouts(transitions, Transition)
_CASES = _of_payouts(cases, Case)
_DECISIONS = _of_payouts(decisions, Recorded)
_PROPOSALS = sa.select(proposals).where(proposals.c.payout_id.in_(_IDS)).order_by(proposals.c.id)
_DEBTS = (
    sa.select(
        obligations,
        sa.func.sum(payouts.c.amount_fen).label("whole_fen"),
        sa.func.sum(
            sa.case((payouts.c.released_at.is_(None), payouts.c.amount_fen), else_=0)
        ).label("held_fen"),
    )
    .join(payouts, payouts.c.obligation_id == obligations.c.id)
    .where(obligations.c.id.in_(_IDS))
    .group_by(obligations.c.id)
)
_SHARED = sa.select(obligations).where(obligations.c.id.in_(_IDS)).order_by(obligations.c.id)
_MESSAGES = sa.select(evidence).where(evidence.c.payout_id.in_(_IDS)).order_by(evidence.c.id)
_NUMBERED = sa.exists().where(
    payouts.c.customer_no == evidence.c.customer_no,
    payouts.c.out_trade_no == evidence.c.out_trade_no,
)
_ORPHAN_CASE = sa.exists().where(
    cases.c.payout_id.is_(None),
    cases.c.customer_no == evidence.c.customer_no,
    cases.c.out_trade_no == evidence.c.out_trade_no,
)
_LEFT_ALONE = (
    sa.select(evidence.c.out_trade_no, _NUMBERED.label("numbered"))
    .where(evidence.c.payout_id.is_(None), _NUMBERED | ~_ORPHAN_CASE)
    .distinct()
    .order_by(evidence.c.out_trade_no)
)


class Audit(Base):
    """
    What an audit reads.
    """

    def ids_after(self, payout_id: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """
        The next payouts in order of acceptance, behind this one, and when each last changed.
        """
        following = sa.select(payouts.c.id, payouts.c.updated_at).where(payouts.c.id > payout_id)
        with self._snapshot() as conn:
            found = conn.execute(following.order_by(payouts.c.id).limit(limit))
            return [(row.id, row.updated_at) for row in found]

    def records(self, payout_ids: Sequence[int]) -> Records:
        """
        All that is on record of some payouts, read in one snapshot; none of it is unsealed.
        """
        with self._snapshot() as conn:
            at = read_clock(conn, self._clock)
            found = conn.execute(_PAYOUTS, {"ids": payout_ids}).all()
            of = _Block(conn, [row.id for row in found])
            debts = _debts(conn, {row.obligation_id for row in found} - {None})
            return Records(
                at,
                [of.record(_payout(*rest), debts.get(debt)) for debt, *rest in found],
                _registrations(conn) if of.is_decided else Registrations(),
            )

    def debts(
        self, obligation_ids: Sequence[int]
    ) -> Sequence[tuple[Obligation, Sequence[Dossier]]]:
        """
        Some debts with all that is known of their payouts, oldest first, read in one snapshot.
        """
        with self._snapshot() as conn:
            owed = [rows.to_obligation(row) for row in _read(conn, _SHARED, obligation_ids)]
            return [(debt, sharing(conn, debt, self._seals)) for debt in owed]

    def messages(self, payout_ids: Sequence[int]) -> Sequence[Message]:
        """
        What JD told of some payouts, each with its raw text and the digest that is stored of it.
        """
        with self._snapshot() as conn:
            return [
                Message(
                    rows.to_evidence(row, self._seals),
                    row["out_trade_no"],
                    row["customer_no"],
                    row["digest"],
                )
                for row in _read(conn, _MESSAGES, payout_ids)
            ]

    def left_alone(self) -> Sequence[tuple[str, bool]]:
        """
        The numbers of notifications without a payout that are nobody's work.

        True with a number that a payout has all the same, False with one that has no case.
        """
        with self._snapshot() as conn:
            return [(row.out_trade_no, row.numbered) for row in conn.execute(_LEFT_ALONE)]


def _read(conn: sa.Connection, asked: sa.Select[Any], ids: Iterable[int]) -> Sequence[RowMapping]:
    return conn.execute(asked, {"ids": [*ids]}).mappings().all()


def _grouped(
    conn: sa.Connection, asked: sa.Select[Any], ids: Sequence[int], make: Callable[..., T]
) -> Mapping[int, list[T]]:
    of: defaultdict[int, list[T]] = defaultdict(list)
    for row in conn.execute(asked, {"ids": ids}).all():
        of[row.payout_id].append(make(*row))
    return of


#: Most payouts have the same terms.
_terms = functools.lru_cache(Terms)


def _payout(*row: Any) -> Payout:
    return Payout(row[4], _terms(*row[:4]), *row[5:])


def _piece(*row: Any) -> Evidence:
    evidence_id, payout_id, source, *times = row[:7]
    return Evidence(evidence_id, payout_id, source, Answer(*row[7:]), *times)


def _decision(*row: Any) -> Recorded:
    made = Recorded(*row)
    return replace(made, action=Action(made.action), proof=tuple(made.proof))


def _debts(conn: sa.Connection, ids: Iterable[int]) -> Mapping[int, Debt]:
    return {
        row["id"]: Debt(rows.to_obligation(row), int(row["whole_fen"]), int(row["held_fen"]))
        for row in _read(conn, _DEBTS, ids)
    }


def _registrations(conn: sa.Connection) -> Registrations:
    listed = conn.execute(sa.select(people.c.uid, people.c.added_at, people.c.removed_at))
    known = conn.execute(sa.select(services.c.uid, services.c.first_seen_at))
    return Registrations(
        tuple((uid, since, until) for uid, since, until in listed),
        tuple((uid, since) for uid, since in known),
    )


class _Block:
    """
    What is on record of a block of payouts, by payout.
    """

    def __init__(self, conn: sa.Connection, ids: Sequence[int]) -> None:
        self._attempts = _grouped(conn, _ATTEMPTS, ids, Attempt)
        self._evidence = _grouped(conn, _EVIDENCE, ids, _piece)
        self._moves = _grouped(conn, _TRANSITIONS, ids, Transition)
        self._cases = _grouped(conn, _CASES, ids, Case)
        self._decisions = _grouped(conn, _DECISIONS, ids, _decision)
        self._proposals: defaultdict[int, list[Proposal]] = defaultdict(list)
        for row in _read(conn, _PROPOSALS, ids):
            self._proposals[row["payout_id"]].append(rows.to_proposal(row))

    @property
    def is_decided(self) -> bool:
        """
        Whether anything of it was proposed to be decided.
        """
        return bool(self._proposals)

    def record(self, payout: Payout, debt: Debt | None) -> Record:
        """
        What is on record of one of them.
        """
        pieces = self._evidence.get(payout.id, ())
        known = self._cases.get(payout.id, ())
        proposed = self._proposals.get(payout.id, ())
        return Record(
            Dossier(
                payout=payout,
                attempts=tuple(self._attempts.get(payout.id, ())),
                evidence=tuple(pieces),
                open_cases=tuple(case for case in known if case.closed_at is None),
                decided=next((p for p in proposed if p.id == payout.proposal_id), None),
            ),
            self._moves.get(payout.id, ()),
            known,
            self._decisions.get(payout.id, ()),
            proposed,
            debt,
        )

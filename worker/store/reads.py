"""
Looking things up; nothing here writes.
"""

from collections.abc import Sequence, Set

import sqlalchemy as sa
from sqlalchemy import RowMapping

from worker.payouts.channel import Channel
from worker.payouts.errors import NoSuchCase, NoSuchPayout, SealError
from worker.payouts.model import (
    Case,
    Dossier,
    Obligation,
    Order,
    Payout,
    Rejection,
    Transition,
)
from worker.payouts.policy.obligation import normalized
from worker.payouts.question import Question
from worker.payouts.status import PayoutStatus, Reason
from worker.store import rows
from worker.store.base import Base
from worker.store.channel_tables import channels
from worker.store.dossiers import read_dossier, read_row
from worker.store.people_tables import former_requests
from worker.store.tables import (
    cases,
    evidence,
    obligations,
    payouts,
    rejections,
    transitions,
)


class Reads(Base):
    """
    What the ledger knows.
    """

    def find(self, customer_no: str, out_trade_no: str) -> Payout | None:
        """
        The payout with that number, if there is one.
        """
        return self._one_payout(
            payouts.c.customer_no == customer_no, payouts.c.out_trade_no == out_trade_no
        )

    def numbered(self, out_trade_no: str) -> Sequence[Payout]:
        """
        The payouts that have an order number, oldest first: each merchant may have one.
        """
        same = sa.select(payouts).where(payouts.c.out_trade_no == out_trade_no)
        with self._snapshot() as conn:
            found = conn.execute(same.order_by(payouts.c.id)).mappings()
            return [rows.to_payout(row) for row in found]

    def number_of(self, payout_id: int) -> str:
        """
        A payout's order number, though its row cannot be read. Raises `NoSuchPayout`.
        """
        asked = sa.select(payouts.c.out_trade_no).where(payouts.c.id == payout_id)
        with self._snapshot() as conn:
            number: str | None = conn.execute(asked).scalar_one_or_none()
        if number is None:
            raise NoSuchPayout(f"there is no payout {payout_id}")
        return number

    def holders_of(self, obligation: str) -> Sequence[Payout]:
        """
        The payouts that hold that obligation, oldest first: those that were not released.
        """
        held = (
            sa.select(payouts)
            .join(obligations, obligations.c.id == payouts.c.obligation_id)
            .where(obligations.c.name == normalized(obligation), payouts.c.released_at.is_(None))
        )
        with self._snapshot() as conn:
            found = conn.execute(held.order_by(payouts.c.id)).mappings()
            return [rows.to_payout(row) for row in found]

    def producers_of(self, obligation: str) -> Set[str]:
        """
        The producers of all payouts that name that obligation, released ones included.
        """
        named = (
            sa.select(payouts.c.producer)
            .join(obligations, obligations.c.id == payouts.c.obligation_id)
            .where(obligations.c.name == normalized(obligation))
        )
        with self._snapshot() as conn:
            return {*conn.scalars(named.distinct())}

    def obligation(self, name: str) -> Obligation | None:
        """
        What is owed under a name; None if no job has named it.
        """
        found = sa.select(obligations).where(obligations.c.name == normalized(name))
        with self._snapshot() as conn:
            row = conn.execute(found).mappings().one_or_none()
        return None if row is None else rows.to_obligation(row)

    def dossier(self, payout_id: int) -> Dossier:
        """
        Everything known of one payout, read in one snapshot. Raises `NoSuchPayout`.
        """
        with self._snapshot() as conn:
            payout = rows.to_payout(read_row(conn, payout_id), self._seals)
            return read_dossier(conn, payout, self._seals)

    def order(self, payout_id: int) -> Order:
        """
        What the producer asked for, payee data unsealed. Raises `NoSuchPayout`.
        """
        with self._snapshot() as conn:
            return rows.to_order(read_row(conn, payout_id), self._seals)

    def unreadable(self, payout_ids: Sequence[int]) -> Set[int]:
        """
        Those of these payouts whose order opens with no key at hand.
        """
        asked = sa.select(payouts).where(payouts.c.id.in_(payout_ids))
        with self._snapshot() as conn:
            found = conn.execute(asked).mappings().all()
        return {row["id"] for row in found if not self._opens(row)}

    def _opens(self, row: RowMapping) -> bool:
        try:
            rows.to_order(row, self._seals)
            rows.to_request(row, self._seals)
        except SealError:
            return False
        return True

    def request(self, payout_id: int) -> str | None:
        """
        The stored canonical request, unsealed; None before the first claim. Raises `NoSuchPayout`.
        """
        with self._snapshot() as conn:
            return rows.to_request(read_row(conn, payout_id), self._seals)

    def former_requests(self, payout_id: int) -> Sequence[str]:
        """
        Each request that was sent before the present one took its place, unsealed, oldest first.
        """
        own = former_requests.c.payout_id == payout_id
        kept = sa.select(former_requests).where(own).order_by(former_requests.c.id)
        with self._snapshot() as conn:
            found = conn.execute(kept).mappings().all()
        return [self._seals.open(former_requests.c.sealed_request, row).decode() for row in found]

    def questions(self, payout_ids: Sequence[int]) -> Sequence[Question]:
        """
        All that asking about these payouts takes, read in one snapshot, in the same order.
        """
        asked = sa.select(payouts, self._clock.label("now")).where(payouts.c.id.in_(payout_ids))
        with self._snapshot() as conn:
            found = {row["id"]: row for row in conn.execute(asked).mappings()}
        return [
            Question(rows.to_payout(row), row["now"])
            for payout_id in payout_ids
            if (row := found.get(payout_id))
        ]

    def history(self, payout_id: int) -> Sequence[Transition]:
        """
        Every move, oldest first.
        """
        with self._snapshot() as conn:
            moves = conn.execute(
                sa.select(transitions, evidence.c.source.label("learnt_from"))
                .outerjoin(evidence, evidence.c.id == transitions.c.evidence_id)
                .where(transitions.c.payout_id == payout_id)
                .order_by(transitions.c.id)
            )
            return [rows.to_transition(row) for row in moves.mappings()]

    def payouts(self, status: PayoutStatus | None, limit: int) -> Sequence[Payout]:
        """
        The newest payouts, optionally of one status.
        """
        newest = sa.select(payouts).order_by(payouts.c.id.desc()).limit(limit)
        if status is not None:
            newest = newest.where(payouts.c.status == status)
        with self._snapshot() as conn:
            found = conn.execute(newest).mappings()
            return [rows.to_payout(row) for row in found]

    def alike(self, status: PayoutStatus, reason: Reason | None) -> Sequence[Payout]:
        """
        All payouts of a status, and of one reason if it is named, oldest first.
        """
        found = sa.select(payouts).where(payouts.c.status == status).order_by(payouts.c.id)
        if reason is not None:
            found = found.where(payouts.c.reason == reason)
        with self._snapshot() as conn:
            return [rows.to_payout(row) for row in conn.execute(found).mappings()]

    def cases_of(self, payout_id: int) -> Sequence[Case]:
        """
        All cases of one payout, closed ones included, oldest first.
        """
        found = sa.select(cases).where(cases.c.payout_id == payout_id).order_by(cases.c.id)
        with self._snapshot() as conn:
            return [rows.to_case(row) for row in conn.execute(found).mappings()]

    def cases(self, *, open_only: bool, limit: int) -> Sequence[Case]:
        """
        The newest cases.
        """
        newest = sa.select(cases).order_by(cases.c.id.desc()).limit(limit)
        if open_only:
            newest = newest.where(cases.c.closed_at.is_(None))
        with self._snapshot() as conn:
            return [rows.to_case(row) for row in conn.execute(newest).mappings()]

    def case(self, case_id: int) -> Case:
        """
        One case, open or closed. Raises `NoSuchCase`.
        """
        with self._snapshot() as conn:
            found = conn.execute(sa.select(cases).where(cases.c.id == case_id)).mappings()
            row = found.one_or_none()
        if row is None:
            raise NoSuchCase(f"there is no case {case_id}")
        return rows.to_case(row)

    def channel(self, customer_no: str) -> Channel:
        """
        Whether one merchant's payouts may be sent; one that was never paused may.
        """
        wanted = sa.select(channels).where(channels.c.customer_no == customer_no)
        with self._snapshot() as conn:
            row = conn.execute(wanted).mappings().one_or_none()
        return Channel(customer_no) if row is None else Channel(**row)

    def rejections(self, limit: int) -> Sequence[Rejection]:
        """
        The newest rejections.
        """
        newest = sa.select(rejections).order_by(rejections.c.id.desc()).limit(limit)
        with self._snapshot() as conn:
            return [rows.to_rejection(row) for row in conn.execute(newest).mappings()]

    def count(self, status: PayoutStatus | None = None) -> int:
        """
        How many payouts there are, optionally of one status.
        """
        conditions = [] if status is None else [payouts.c.status == status]
        return self._count(payouts, *conditions)

    def count_cases(self, *, open_only: bool) -> int:
        """
        How many cases there are.
        """
        conditions = [cases.c.closed_at.is_(None)] if open_only else []
        return self._count(cases, *conditions)

    def count_rejections(self) -> int:
        """
        How many rejections there are.
        """
        return self._count(rejections)

    def _count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        counted = sa.select(sa.func.count()).select_from(table).where(*conditions)
        with self._snapshot() as conn:
            return conn.execute(counted).scalar_one()

    def _one_payout(self, *conditions: sa.ColumnElement[bool]) -> Payout | None:
        with self._snapshot() as conn:
            found = conn.execute(sa.select(payouts).where(*conditions)).mappings().one_or_none()
            return None if found is None else rows.to_payout(found)

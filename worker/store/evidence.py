"""
Evidence in, decisions out.
"""

import hashlib
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.evidence import Answer, Source
from worker.payouts.model import Attempt, CaseKind, Dossier, Payout
from worker.payouts.update import CaseNote, Update, apply
from worker.store.base import Base, append_transition, insert_new, write_row
from worker.store.channels import count_unverifiable, pause_channel
from worker.store.rows import answer_columns
from worker.store.tables import cases, evidence, payouts


class EvidenceStore(Base):
    """
    What the gateway told us, and what was made of it.
    """

    def record(
        self,
        payout: Payout | None,
        source: Source,
        answer: Answer,
        *,
        attempt: Attempt | None = None,
        asked_at: datetime | None = None,
    ) -> None:
        """
        Store one piece of evidence, unapplied, so that no decision made without it can be written.

        An identical notification is stored once. Without a payout, an orphan case is opened.
        """
        named = (
            {"customer_no": payout.terms.customer_no, "out_trade_no": payout.out_trade_no}
            if payout
            else {"customer_no": answer.merchant or "", "out_trade_no": answer.number or ""}
        )
        with self._writing() as (conn, now):
            evidence_id = insert_new(
                conn,
                evidence,
                **named,
                **answer_columns(answer, self._keyring),
                payout_id=payout.id if payout else None,
                attempt_id=attempt.id if attempt else None,
                source=source,
                digest=hashlib.sha256(answer.raw).hexdigest(),
                asked_at=asked_at,
                received_at=now,
            )
            if evidence_id is None:
                return
            if payout is None:
                insert_new(
                    conn,
                    cases,
                    **named,
                    kind=CaseKind.ORPHAN,
                    evidence_id=evidence_id,
                    opened_at=now,
                )
                return
            news = sa.update(payouts).where(payouts.c.id == payout.id)
            conn.execute(news.values(version=payouts.c.version + 1, updated_at=now))

    def apply_update(
        self, dossier: Dossier, update: Update, actor: str, unverifiable_limit: int
    ) -> None:
        """
        Write what was decided from `dossier`. Raises `StaleTransition`, and changes nothing then.

        Raises `IllegalMove` if the payout may not move that way.
        """
        payout = dossier.payout
        customer_no = payout.terms.customer_no
        with self._writing() as (conn, now):
            updated = apply(payout, update, now)
            if not write_row(conn, payout, updated):
                raise StaleTransition(f"payout {payout.id} changed after version {payout.version}")
            # The version vouches that all evidence there is was in the dossier.
            conn.execute(
                sa.update(evidence)
                .where(evidence.c.payout_id == payout.id, evidence.c.applied_at.is_(None))
                .values(applied_at=now)
            )
            append_transition(conn, payout, updated, actor, update.evidence_id)
            for note in update.cases:
                open_case(conn, now, payout, note)
            if update.pause is not None:
                pause_channel(conn, now, customer_no, update.pause, actor)
            in_a_row = count_unverifiable(conn, customer_no, update.verified)
            if in_a_row >= unverifiable_limit:
                why = f"{in_a_row} answers in a row could not be verified"
                pause_channel(conn, now, customer_no, why, actor)


def open_case(conn: sa.Connection, now: datetime, payout: Payout, note: CaseNote) -> None:
    """
    Open a case about a payout, unless one like it is open, or closed and not to be opened anew.
    """
    # What a person closed stays closed until new evidence of the same kind arrives.
    same = cases.c.evidence_id.is_not_distinct_from(note.evidence_id)
    stands = cases.c.closed_at.is_(None) | (sa.literal(not note.reopens) & same)
    seen = sa.select(cases.c.id).where(
        cases.c.payout_id == payout.id, cases.c.kind == note.kind, stands
    )
    if conn.execute(seen).first() is None:
        conn.execute(
            sa.insert(cases).values(
                kind=note.kind,
                customer_no=payout.terms.customer_no,
                out_trade_no=payout.out_trade_no,
                payout_id=payout.id,
                evidence_id=note.evidence_id,
                opened_at=now,
            )
        )
